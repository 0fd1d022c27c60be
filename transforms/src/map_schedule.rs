//! MapSchedule: who runs the iterations of a map.

use weft_ir::sdfg::{Place, Schedule, Verified};

use crate::nest::{map_sites, site_map};
use crate::{
    Category, Forwarding, Info, Keeps, Param, ParamKind, Plan, Refusal, Settings, Site, Transformation,
};

pub struct MapSchedule;

static INFO: Info = Info {
    name: "MapSchedule",
    category: Category::Map,
    what: "Sets how the iterations of a map run: by threads, in SIMD lanes, or one after the other.",
    why: "Threads outside and lanes inside is the usual choice; a map that is too small to share runs faster \
          sequentially. Iterations of a map never depend on each other, so every schedule is right.",
    conditions: &[],
    params: &[Param {
        name: "schedule",
        help: "parallel: threads; vector: SIMD lanes; sequential; default: the code generator decides",
        kind: ParamKind::Choice {
            default: "parallel",
            among: &["parallel", "vector", "sequential", "default"],
        },
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
    map m0 [i = 0:N] parallel
      mul: B[i] = 2.0 * A[i]
",
    keeps: Keeps::Exactly,
};

impl Transformation for MapSchedule {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        map_sites(graph, |_, _| true)
    }

    fn plan(&self, graph: &Verified, site: &Site, settings: &Settings) -> Result<Plan, Refusal> {
        let schedule = match crate::text(&INFO, settings, "schedule")?.as_str() {
            "vector" => Schedule::Vector,
            "sequential" => Schedule::Sequential,
            "default" => Schedule::Default,
            _ => Schedule::Parallel,
        };
        let (block, id) = site_map(graph, site, 0)?;
        let mut edited = crate::editable(graph);
        edited.state_mut(block).expect("state of the site").map_mut(id).schedule = schedule;
        let mut forwarding = Forwarding::default();
        forwarding.moved(Place::Map(id), Place::Map(id));
        Plan::new(graph, edited, forwarding)
    }
}
