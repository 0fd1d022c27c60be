//! Identities of the parts of a graph. Never reused within a process, and shared by all
//! versions of a graph, so that a selection or a recorded place survives an edit.

use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(1);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(u32);
        impl $name {
            /// An id that no other part has or will have. Later ids compare greater.
            #[expect(clippy::new_without_default, reason = "a default would hide that ids are unique")]
            pub fn new() -> $name {
                $name(NEXT.fetch_add(1, Ordering::Relaxed))
            }
            pub fn index(self) -> u32 {
                self.0
            }
        }
    };
}

id!(/// A control-flow block: state, loop, conditional, …
    BlockId);
id!(/// A node of a state.
    NodeId);
id!(/// An edge of a state.
    EdgeId);
id!(/// A map: shared by its entry and its exit.
    MapId);

/// Anything that a diagnostic, a refusal, a selection or a forwarding can point at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Place {
    /// The whole SDFG.
    Whole,
    Block(BlockId),
    Node(NodeId),
    Edge(EdgeId),
    /// Stands for entry, exit and scope.
    Map(MapId),
}
