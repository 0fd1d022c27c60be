//! The stateful dataflow multigraph: containers, states, structured control flow.
//!
//! Source of the model: Ben-Nun et al., "Stateful Dataflow Multigraphs" (SC'19).

mod builder;
mod data;
mod foreign;
mod ids;
pub mod library;
mod order;
mod paths;
mod scope;
mod source;
mod state;
pub mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use builder::{Input, Output, StateBuilder};
pub use data::{Data, Lifetime, Memlet, Storage, Wcr, column_major, row_major};
pub use foreign::{Foreign, first_foreign};
pub use ids::{BlockId, EdgeId, MapId, NodeId, Place};
pub use library::LibraryOp;
pub use order::{order, order_as, unordered};
pub use paths::Paths;
pub use scope::{Scopes, propagate, propagate_from};
pub use source::{Source, SourceFile, Span};
pub use state::{Edge, Library, LibraryKind, Map, Nested, Node, Port, Schedule, StateGraph, Tasklet};
pub use verify::{Verified, Violation, verify};

use crate::dtype::DType;
use crate::names::Name;
use crate::symbolic::{Assumptions, Expr, Range};
use crate::tasklet;

/// A fact about the arguments that the graph relies on; checked at every call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Guard {
    /// The expression is ≥ 0.
    NonNegative(Expr),
    /// The expression is 0.
    Zero(Expr),
}

/// A stateful dataflow multigraph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sdfg {
    pub name: Name,
    /// Parameters in the order of the Python function: non-transient containers, and symbols
    /// (every integer parameter is a symbol).
    pub args: Vec<Name>,
    /// Free symbols and their types: integer parameters, and extents of arguments.
    pub symbols: BTreeMap<Name, DType>,
    pub data: BTreeMap<Name, Data>,
    /// Non-transient containers that are the function's results; the caller allocates them.
    pub returns: Vec<Name>,
    pub guards: Vec<Guard>,
    pub body: Region,
    pub source: Option<Arc<Source>>,
    /// The file of DaCe's that it was read from.
    pub origin: Option<Arc<crate::json::Origin>>,
}

/// Blocks that run one after the other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Region {
    pub blocks: Vec<Arc<Block>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    pub id: BlockId,
    /// Unique in its SDFG.
    pub label: Name,
    pub span: Option<Span>,
    pub kind: BlockKind,
}

/// Structured control flow. Conditions and assigned values may read symbols and scalar
/// containers ([`tasklet::Expr::Var`]).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BlockKind {
    State(StateGraph),
    /// `var` is a symbol of the body; the range is evaluated once. The step is a non-zero constant.
    Loop {
        var: Name,
        range: Range,
        body: Region,
    },
    While {
        cond: tasklet::Expr,
        body: Region,
    },
    /// The first branch whose condition holds, else `otherwise`.
    Conditional {
        branches: Vec<(tasklet::Expr, Region)>,
        otherwise: Region,
    },
    /// Gives a symbol its value; on every path a symbol is assigned before it is used.
    /// The type is `i64`.
    Assign {
        symbol: Name,
        value: tasklet::Expr,
    },
    /// Stops the call with `message` unless `cond` holds. Never removed unless proven.
    Check {
        cond: tasklet::Expr,
        message: String,
    },
    Break,
    Continue,
    Return,
}

impl Block {
    pub fn new(label: Name, kind: BlockKind, span: Option<Span>) -> Block {
        Block { id: BlockId::new(), label, span, kind }
    }

    /// The regions directly inside.
    pub fn regions(&self) -> Vec<&Region> {
        match &self.kind {
            BlockKind::Loop { body, .. } | BlockKind::While { body, .. } => vec![body],
            BlockKind::Conditional { branches, otherwise } => {
                branches.iter().map(|(_, r)| r).chain([otherwise]).collect()
            }
            _ => vec![],
        }
    }

    pub fn regions_mut(&mut self) -> Vec<&mut Region> {
        match &mut self.kind {
            BlockKind::Loop { body, .. } | BlockKind::While { body, .. } => vec![body],
            BlockKind::Conditional { branches, otherwise } => {
                branches.iter_mut().map(|(_, r)| r).chain([otherwise]).collect()
            }
            _ => vec![],
        }
    }

    pub fn state(&self) -> Option<&StateGraph> {
        match &self.kind {
            BlockKind::State(graph) => Some(graph),
            _ => None,
        }
    }
}

impl Region {
    pub fn push(&mut self, block: Block) -> BlockId {
        let id = block.id;
        self.blocks.push(Arc::new(block));
        id
    }

    /// All blocks below, outer before inner, in order of execution.
    pub fn walk<'a>(&'a self, f: &mut dyn FnMut(&'a Block)) {
        for block in &self.blocks {
            f(block);
            for region in block.regions() {
                region.walk(f);
            }
        }
    }

    pub fn find(&self, id: BlockId) -> Option<&Block> {
        self.blocks.iter().find_map(|block| {
            if block.id == id {
                return Some(&**block);
            }
            block.regions().into_iter().find_map(|region| region.find(id))
        })
    }

    /// Copies only the blocks on the way (versions share the rest).
    pub fn find_mut(&mut self, id: BlockId) -> Option<&mut Block> {
        let at = self
            .blocks
            .iter()
            .position(|b| b.id == id || b.regions().into_iter().any(|region| region.find(id).is_some()))?;
        let block = Arc::make_mut(&mut self.blocks[at]);
        if block.id == id {
            return Some(block);
        }
        block.regions_mut().into_iter().find_map(|region| region.find_mut(id))
    }

    /// The region that directly holds the block, and its position there.
    pub fn parent_mut(&mut self, id: BlockId) -> Option<(&mut Region, usize)> {
        if let Some(at) = self.blocks.iter().position(|b| b.id == id) {
            return Some((self, at));
        }
        let at = self
            .blocks
            .iter()
            .position(|b| b.regions().into_iter().any(|region| region.find(id).is_some()))?;
        let block = Arc::make_mut(&mut self.blocks[at]);
        block.regions_mut().into_iter().find_map(|region| region.parent_mut(id))
    }
}

impl Sdfg {
    pub fn new(name: impl Into<Name>) -> Sdfg {
        Sdfg {
            name: name.into(),
            args: vec![],
            symbols: BTreeMap::new(),
            data: BTreeMap::new(),
            returns: vec![],
            guards: vec![],
            body: Region::default(),
            source: None,
            origin: None,
        }
    }

    /// Facts that hold everywhere: the guards, and that every extent is ≥ 0.
    pub fn assumptions(&self) -> Assumptions {
        let mut facts = Assumptions::new();
        for guard in &self.guards {
            match guard {
                Guard::NonNegative(e) => facts.assume_ge(e, &Expr::zero()),
                Guard::Zero(e) => facts.assume_eq(e, &Expr::zero()),
            }
        }
        for data in self.data.values().filter(|d| !d.transient) {
            for extent in &data.shape {
                facts.assume_ge(extent, &Expr::zero());
            }
        }
        facts
    }

    /// States in order of execution, without those of nested SDFGs.
    pub fn states(&self) -> Vec<(&Block, &StateGraph)> {
        let mut found = vec![];
        self.body.walk(&mut |block| {
            if let BlockKind::State(graph) = &block.kind {
                found.push((block, graph));
            }
        });
        found
    }

    /// The block and state that hold a node, not looking into nested SDFGs.
    pub fn state_of(&self, node: NodeId) -> Option<(&Block, &StateGraph)> {
        self.states().into_iter().find(|(_, graph)| graph.contains(node))
    }

    pub fn state_mut(&mut self, block: BlockId) -> Option<&mut StateGraph> {
        match &mut self.body.find_mut(block)?.kind {
            BlockKind::State(graph) => Some(graph),
            _ => None,
        }
    }

    /// Is the name a container, symbol, map parameter, loop variable or label of this SDFG?
    pub fn uses_name(&self, name: Name) -> bool {
        if self.data.contains_key(&name) || self.symbols.contains_key(&name) {
            return true;
        }
        let mut found = false;
        self.body.walk(&mut |block| {
            found |= block.label == name;
            match &block.kind {
                BlockKind::Loop { var, .. } => found |= *var == name,
                BlockKind::Assign { symbol, .. } => found |= *symbol == name,
                BlockKind::State(graph) => {
                    for (_, map) in graph.maps() {
                        found |= map.label == name || map.params.iter().any(|p| p.0 == name);
                    }
                    for (_, node) in graph.nodes() {
                        found |= match node {
                            Node::Tasklet(t) => t.label == name,
                            Node::Nested(n) => n.label == name,
                            Node::Library(l) => l.label == name,
                            _ => false,
                        };
                    }
                }
                _ => {}
            }
        });
        found
    }

    /// A name that nothing in this SDFG has.
    pub fn fresh(&self, base: &str) -> Name {
        Name::fresh(base, |n| self.uses_name(n))
    }
}
