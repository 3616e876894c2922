//! Promise 5: a panic reaches whoever awaits the job, or is counted. It never poisons a pool, never loses a slot, and never
//! reaches another job.

mod destructor;
mod job;
mod source;
mod waker;
mod way;
