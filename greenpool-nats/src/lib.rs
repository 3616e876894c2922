//! The functions of [`greenpool`] on many machines, over NATS `JetStream`.
