//! Promise 5: a panic reaches the task that awaits the job, or is counted. It never poisons a pool, loses a slot or
//! reaches another job.

mod destructor;
mod job;
mod payload;
mod route;
mod source;
mod untaken;
mod waker;
