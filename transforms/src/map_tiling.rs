//! MapTiling: a map of blocks around a map of the elements of a block.

use weft_ir::sdfg::{Map, MapId, Place, Verified};
use weft_ir::symbolic::{Expr, Range};

use crate::nest::{fresh, inner_schedule, is_constant_positive, map_sites, repropagate, site_map, surround};
use crate::{
    Category, Condition, Forwarding, Info, Keeps, Param, ParamKind, Plan, Refusal, Settings, Site,
    Transformation, require,
};

pub struct MapTiling;

static INFO: Info = Info {
    name: "MapTiling",
    category: Category::Map,
    what: "Splits the iterations of a map into blocks: a map over blocks around a map over the elements of one.",
    why: "So that what a block touches stays in a cache, in a GPU's shared memory, or with one thread. Blocks at \
          the border are cut off with `min`, so any size fits any extent.",
    conditions: &[Condition { id: "positive-step", text: "every step is a positive constant" }],
    params: &[Param {
        name: "sizes",
        help: "iterations per block in each dimension, outermost first; the last one repeats",
        kind: ParamKind::Ints { default: &[64], min: 1, max: 1 << 30 },
    }],
    before: "\
sdfg scale(A: f64[N], B: f64[N])
  state s0
    map m0 [i = 0:N]
      mul: B[i] = 2.0 * A[i]
",
    after: "\
sdfg scale(A: f64[N], B: f64[N])
  state s0
    map m0_blocks [i_block = 0:N:64]
      map m0 [i = i_block:min(N, i_block + 64)]
        mul: B[i] = 2.0 * A[i]
",
    keeps: Keeps::Exactly,
};

impl Transformation for MapTiling {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        map_sites(graph, |_, _| true)
    }

    fn plan(&self, graph: &Verified, site: &Site, settings: &Settings) -> Result<Plan, Refusal> {
        let sizes = crate::ints(&INFO, settings, "sizes")?;
        let (block, map) = site_map(graph, site, 0)?;
        let dims = {
            let state = graph.states().into_iter().find(|(b, _)| b.id == block).expect("state of the site").1;
            (0..state.map(map).params.len()).collect::<Vec<_>>()
        };
        split(graph, block, map, &dims, &sizes, "blocks")
    }
}

/// Tiles some dimensions of a map; `sizes` go with `dims`, the last one repeats.
pub(crate) fn split(
    graph: &Verified,
    block: weft_ir::sdfg::BlockId,
    map: MapId,
    dims: &[usize],
    sizes: &[i64],
    suffix: &str,
) -> Result<Plan, Refusal> {
    let mut edited = crate::editable(graph);
    let state = edited.state_mut(block).expect("state of the site");
    let old = state.map(map).clone();
    let place = Place::Map(map);
    for &d in dims {
        let (name, range) = &old.params[d];
        require("positive-step", is_constant_positive(range), place, || {
            format!("the step of {name} in '{}' is {}", old.label, range.step)
        })?;
    }
    let mut outer = Map { label: old.label, params: vec![], schedule: old.schedule };
    let mut inner = Map { schedule: inner_schedule(old.schedule), ..old.clone() };
    let mut taken = vec![];
    for (k, &d) in dims.iter().enumerate() {
        let (name, range) = &old.params[d];
        let size = sizes.get(k).or(sizes.last()).copied().unwrap_or(64);
        let over = fresh(&edited, &taken, &format!("{name}_block"));
        taken.push(over);
        let step = &range.step * size;
        outer.params.push((over, Range::with_step(range.begin.clone(), range.end.clone(), step.clone())));
        let begin = Expr::sym(over);
        let end = range.end.clone().min(&begin + &step);
        inner.params[d].1 = Range::with_step(begin, end, range.step.clone());
    }
    outer.label = fresh(&edited, &[], &format!("{}_{suffix}", old.label));
    let state = edited.state_mut(block).expect("state of the site");
    let around = surround(state, map, outer);
    *state.map_mut(map) = inner;
    repropagate(&mut edited, block);
    let mut forwarding = Forwarding::default();
    forwarding.moved(place, Place::Map(around));
    forwarding.moved(place, place);
    Plan::new(graph, edited, forwarding)
}
