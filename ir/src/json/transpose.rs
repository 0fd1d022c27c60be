//! Library nodes that transpose are maps here, of one tasklet each.

use std::collections::BTreeMap;

use super::at::Read;
use super::read::GraphReader;
use super::read_state::State;
use super::value::as_f64;
use crate::names::Name;
use crate::sdfg::{Map, Memlet, Node, NodeId, Port, Schedule, Tasklet};
use crate::symbolic::{Expr, Range, Subset};
use crate::tasklet::{Assign, Expr as E};

impl GraphReader<'_> {
    /// A map for the node: its entry and exit. `None` if it does more than to transpose.
    pub fn transpose(
        &mut self,
        state: &mut State,
        i: usize,
        axes: &[usize],
    ) -> Read<Option<(NodeId, NodeId)>> {
        let attributes = state.nodes[i].get("attributes")?;
        for (key, plain) in [("alpha", 1.0), ("beta", 0.0)] {
            if attributes.find(key).is_some_and(|v| as_f64(v.value) != Some(plain)) {
                return Ok(None);
            }
        }
        let ([input], [output]) = (&state.ins[i][..], &state.outs[i][..]) else { return Ok(None) };
        let (input, output) = (&state.edges[*input], &state.edges[*output]);
        let (Some(from), Some(to)) = (input.dst_conn, output.src_conn) else { return Ok(None) };
        let (Some(read), Some(written)) =
            (self.memlet(state.around, input)?, self.memlet(state.around, output)?)
        else {
            return Ok(None);
        };
        let data = &state.around.sdfg.data;
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        let fits = sorted.iter().copied().eq(0..read.subset.rank())
            && written.subset.rank() == axes.len()
            && data[&read.data].dtype == data[&written.data].dtype
            && [&read, &written]
                .iter()
                .all(|m| data[&m.data].foreign.is_none() && m.other.is_none() && m.wcr.is_none());
        if !fits {
            return Ok(None);
        }
        let dtype = data[&read.data].dtype;
        let label = attributes.word("label").unwrap_or("transpose");
        let params: Vec<Name> = axes.iter().map(|_| self.label("__t")).collect();
        let ranges = written.subset.extents().into_iter().map(|n| Range::new(0, n));
        let map = Map {
            label: self.label(&format!("{label}_map")),
            params: params.iter().copied().zip(ranges).collect(),
            schedule: Schedule::Default,
        };
        let at = |subset: &Subset, d: usize, k: usize| {
            &subset.0[d].begin + Expr::sym(params[k]) * &subset.0[d].step
        };
        let to_index = (0..axes.len()).map(|k| at(&written.subset, k, k)).collect();
        let mut from_index = vec![Expr::zero(); axes.len()];
        for (k, &d) in axes.iter().enumerate() {
            from_index[d] = at(&read.subset, d, k);
        }
        let (value, result) = (Name::new("__inp"), Name::new("__out"));
        let tasklet = Tasklet {
            label: self.label(label),
            inputs: vec![(value, dtype)],
            outputs: vec![(result, dtype)],
            code: vec![Assign { target: result, value: E::Var(value) }],
        };
        let (entry, exit, _) = state.graph.add_map(map, None);
        let tasklet = state.graph.add_node(Node::Tasklet(tasklet), None);
        let inner = Memlet::element(read.data, from_index);
        state.graph.connect(Port::new(entry, "OUT_1"), Port::new(tasklet, value), inner);
        let inner = Memlet::element(written.data, to_index);
        state.graph.connect(Port::new(tasklet, result), Port::new(exit, "IN_1"), inner);
        state.renamed[i] =
            BTreeMap::from([(from.to_string(), "IN_1".to_string()), (to.to_string(), "OUT_1".to_string())]);
        Ok(Some((entry, exit)))
    }
}
