//! MapInterchange: two perfectly nested maps change places.

use weft_ir::sdfg::{Place, Verified};

use crate::nest::{
    INDEPENDENT_RANGES, PERFECTLY_NESTED, nested_pairs, repropagate, require_perfect_nest, site_map,
};
use crate::{Category, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation};

pub struct MapInterchange;

static INFO: Info = Info {
    name: "MapInterchange",
    category: Category::Map,
    what: "Swaps two perfectly nested maps.",
    why: "So that the innermost map walks along memory, or the outermost one has enough iterations to share.",
    conditions: &[PERFECTLY_NESTED, INDEPENDENT_RANGES],
    params: &[],
    before: "\
sdfg scale(A: f64[N, M], B: f64[N, M])
  state s0
    map m0 [j = 0:M]
      map m1 [i = 0:N]
        mul: B[i, j] = 2.0 * A[i, j]
",
    after: "\
sdfg scale(A: f64[N, M], B: f64[N, M])
  state s0
    map m1 [i = 0:N]
      map m0 [j = 0:M]
        mul: B[i, j] = 2.0 * A[i, j]
",
    keeps: Keeps::Exactly,
};

impl Transformation for MapInterchange {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        nested_pairs(graph)
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let (block, outer) = site_map(graph, site, 0)?;
        let (_, inner) = site_map(graph, site, 1)?;
        let mut edited = crate::editable(graph);
        let state = edited.state_mut(block).expect("state of the site");
        let (was_outer, was_inner) = (state.map(outer).clone(), state.map(inner).clone());
        require_perfect_nest(state, outer, inner)?;
        // Schedules belong to the levels, descriptions move.
        let (outer_schedule, inner_schedule) = (was_outer.schedule, was_inner.schedule);
        *state.map_mut(outer) = weft_ir::sdfg::Map { schedule: outer_schedule, ..was_inner };
        *state.map_mut(inner) = weft_ir::sdfg::Map { schedule: inner_schedule, ..was_outer };
        repropagate(&mut edited, block);
        let mut forwarding = Forwarding::default();
        forwarding.moved(Place::Map(outer), Place::Map(inner));
        forwarding.moved(Place::Map(inner), Place::Map(outer));
        Plan::new(graph, edited, forwarding)
    }
}
