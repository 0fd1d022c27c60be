//! Library calls: what invariant 17 says about them.

use super::Checker;
use super::edges::possible;
use super::state::State;
use crate::DType;
use crate::names::Name;
use crate::sdfg::library::{Connectors, Form};
use crate::sdfg::{Edge, LibraryOp, NodeId, Place};
use crate::symbolic::Expr;

/// Type and shape of an operand.
type Operand = (DType, Vec<Expr>);

impl Checker<'_, '_> {
    pub fn call(&mut self, state: &State, id: NodeId, op: LibraryOp) {
        let place = Place::Node(id);
        let ends = &state.ends[&id];
        for (i, edge) in ends.outs.iter().enumerate() {
            if edge.memlet.as_ref().is_some_and(|m| m.wcr.is_some()) {
                self.report(Place::Edge(edge.id), format!("{} resolves no conflicts", op.name()));
            }
            for other in &ends.outs[..i] {
                self.apart(state, other, edge, "a library node writes twice");
            }
        }
        // Connectors without edges are reported with the connectors.
        let one_row =
            |inputs: &[Operand]| inputs.first().and_then(|a| a.1.first()).is_some_and(|rows| rows.is_one());
        let Some(inputs) = self.operands(&ends.ins, op.inputs(), true, place, &one_row) else { return };
        let fit = match op.fit(&inputs) {
            Ok(fit) => fit,
            Err(message) => return self.report(place, message),
        };
        let rows_of = |at: usize| fit.outputs.get(at).and_then(|o| o.1.first()).is_some_and(|n| n.is_one());
        let Some(outputs) =
            self.operands(&ends.outs, op.outputs(), false, place, &|found| rows_of(found.len()))
        else {
            return;
        };
        let mut equal = fit.equal;
        for ((&(name, _), wanted), found) in op.outputs().iter().zip(&fit.outputs).zip(&outputs) {
            if wanted.0 != found.0 {
                self.report(place, format!("'{name}' of {} is of {}", op.name(), wanted.0));
            }
            if wanted.1.len() != found.1.len() {
                let (a, b) = (wanted.1.len(), found.1.len());
                self.report(place, format!("'{name}' of {} has rank {a}, not {b}", op.name()));
                continue;
            }
            equal.extend(wanted.1.iter().cloned().zip(found.1.iter().cloned()));
        }
        let facts = state.facts(self, state.scopes.parent(id));
        let different = equal.iter().find(|(a, b)| a != b && facts.eq(a, b).is_no());
        if let Some((a, b)) = different
            && possible(&facts)
        {
            self.report(place, format!("extents {a} and {b} of {} are not the same", op.name()));
        }
    }

    /// Types and shapes at the connectors of one side; `None` if that is wrong already.
    fn operands(
        &mut self,
        edges: &[&Edge],
        connectors: Connectors,
        inputs: bool,
        place: Place,
        one_row: &dyn Fn(&[Operand]) -> bool,
    ) -> Option<Vec<Operand>> {
        let mut found: Vec<Operand> = vec![];
        for &(name, form) in connectors {
            let port = |e: &&&Edge| (if inputs { e.dst.conn } else { e.src.conn }) == Some(Name::new(name));
            let memlet = edges.iter().find(port)?.memlet.as_ref()?;
            let dtype = self.sdfg.data.get(&memlet.data)?.dtype;
            let Some(kept) = form.dimensions(&memlet.subset) else {
                let wanted = match form {
                    Form::Any => "a dimension".to_string(),
                    Form::Rank(rank) => format!("rank {rank}"),
                    Form::Columns => "rank 1 or 2".to_string(),
                };
                self.report(place, format!("'{name}' needs {wanted}: '{}[{}]'", memlet.data, memlet.subset));
                return None;
            };
            let extents = kept.into_iter().map(|d| memlet.subset.0[d].extent()).collect();
            found.push((dtype, form.shape(extents, one_row(&found), Expr::one())));
        }
        Some(found)
    }
}
