//! MapCollapse: two perfectly nested maps become one.

use weft_ir::sdfg::{Place, Verified};

use crate::nest::{
    INDEPENDENT_RANGES, PERFECTLY_NESTED, merge, nested_pairs, repropagate, require_perfect_nest, site_map,
};
use crate::{Category, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation};

pub struct MapCollapse;

static INFO: Info = Info {
    name: "MapCollapse",
    category: Category::Map,
    what: "Makes one map of two that are perfectly nested.",
    why: "One larger iteration space to share among threads, to tile or to fuse; the opposite of MapExpansion.",
    conditions: &[PERFECTLY_NESTED, INDEPENDENT_RANGES],
    params: &[],
    before: "\
sdfg scale(A: f64[N, M], B: f64[N, M])
  state s0
    map m0 [i = 0:N]
      map m1 [j = 0:M]
        mul: B[i, j] = 2.0 * A[i, j]
",
    after: "\
sdfg scale(A: f64[N, M], B: f64[N, M])
  state s0
    map m0 [i = 0:N, j = 0:M]
      mul: B[i, j] = 2.0 * A[i, j]
",
    keeps: Keeps::Exactly,
};

impl Transformation for MapCollapse {
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
        require_perfect_nest(state, outer, inner)?;
        let mut forwarding = Forwarding::default();
        for (from, to) in state
            .map_nodes(inner)
            .zip(state.map_nodes(outer))
            .map(|(i, o)| [(i.0, o.0), (i.1, o.1)])
            .into_iter()
            .flatten()
        {
            forwarding.moved(Place::Node(from), Place::Node(to));
        }
        merge(state, outer, inner);
        repropagate(&mut edited, block);
        forwarding.moved(Place::Map(inner), Place::Map(outer));
        Plan::new(graph, edited, forwarding)
    }
}
