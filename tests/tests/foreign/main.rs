//! Foreign code: wakers, futures, values, iterators and closures of the user. None of it runs while greenpool holds a
//! lock, so it may use the pool, the pile, the map and the handle again, and it may panic.

mod hostile;
mod points;
