//! Questions about graphs: what a part reads and writes, what depends on what, what is still needed.
//!
//! Answers are safe for the asker: an access set names everything that may be touched, `Carried::No`
//! and "not live" are proofs.

mod access;
mod depend;
mod live;

pub use access::{Access, accesses_of_region, accesses_of_scope, accesses_of_state, facts_around, facts_at};
pub use depend::{Carried, carried, carried_between, conflict};
pub use live::{Liveness, written_before_read};
