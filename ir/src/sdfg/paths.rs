//! Which node of a state leads to which, answered for all pairs at once.

use std::collections::BTreeMap;

use super::ids::NodeId;
use super::state::StateGraph;

/// Which node is reached from which.
pub struct Paths {
    index: BTreeMap<NodeId, usize>,
    reach: Vec<Vec<u64>>,
}

impl Paths {
    /// `None` if the graph has a cycle.
    pub fn of(graph: &StateGraph) -> Option<Paths> {
        let order = graph.topological()?;
        let index: BTreeMap<NodeId, usize> = order.iter().enumerate().map(|(i, &n)| (n, i)).collect();
        let mut reach = vec![vec![0u64; order.len().div_ceil(64)]; order.len()];
        for &node in order.iter().rev() {
            let at = index[&node];
            reach[at][at / 64] |= 1 << (at % 64);
            for edge in graph.out_edges(node) {
                let next = reach[index[&edge.dst.node]].clone();
                reach[at].iter_mut().zip(next).for_each(|(a, b)| *a |= b);
            }
        }
        Some(Paths { index, reach })
    }

    /// Is there a path, possibly of no edges?
    pub fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        match (self.index.get(&from), self.index.get(&to)) {
            (Some(&a), Some(&b)) => self.reach[a][b / 64] >> (b % 64) & 1 == 1,
            _ => false,
        }
    }

    /// The position in a topological order.
    pub fn position(&self, node: NodeId) -> usize {
        self.index.get(&node).copied().unwrap_or(usize::MAX)
    }
}
