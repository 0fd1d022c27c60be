//! StripMining: one dimension of a map becomes two.

use weft_ir::sdfg::Verified;

use crate::map_tiling::split;
use crate::nest::{map_sites, maps, site_map};
use crate::{
    Category, Condition, Info, Keeps, Param, ParamKind, Plan, Refusal, Settings, Site, Transformation,
    wrong_setting,
};

pub struct StripMining;

static INFO: Info = Info {
    name: "StripMining",
    category: Category::Map,
    what: "Splits one dimension of a map into strips: a map over strips around the map over the rest.",
    why: "The one-dimensional piece that tiling, vectorization and distribution are made of: strips of one \
          vector, of one thread block, of one rank.",
    conditions: &[Condition { id: "positive-step", text: "the step is a positive constant" }],
    params: &[
        Param {
            name: "dim",
            help: "the parameter to split; the innermost if left out",
            kind: ParamKind::Text { default: "" },
        },
        Param {
            name: "size",
            help: "iterations per strip",
            kind: ParamKind::Int { default: 64, min: 1, max: 1 << 30 },
        },
    ],
    before: "\
sdfg scale(A: f64[N, M], B: f64[N, M])
  state s0
    map m0 [i = 0:N, j = 0:M]
      mul: B[i, j] = 2.0 * A[i, j]
",
    after: "\
sdfg scale(A: f64[N, M], B: f64[N, M])
  state s0
    map m0_strips [j_block = 0:M:64]
      map m0 [i = 0:N, j = j_block:min(M, j_block + 64)]
        mul: B[i, j] = 2.0 * A[i, j]
",
    keeps: Keeps::Exactly,
};

impl Transformation for StripMining {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        map_sites(graph, |_, _| true)
    }

    fn plan(&self, graph: &Verified, site: &Site, settings: &Settings) -> Result<Plan, Refusal> {
        let dim = crate::text(&INFO, settings, "dim")?;
        let size = crate::int(&INFO, settings, "size")?;
        let (block, id) = site_map(graph, site, 0)?;
        let params =
            maps(graph).into_iter().find(|m| m.2 == id).map(|m| m.3.params.clone()).unwrap_or_default();
        let found = if dim.is_empty() {
            params.len().checked_sub(1)
        } else {
            params.iter().position(|p| p.0.as_str() == dim)
        };
        let found = found.ok_or_else(|| {
            let names: Vec<&str> = params.iter().map(|p| p.0.as_str()).collect();
            let why = format!("is '{dim}', but '{}' iterates over {}", site.label, names.join(", "));
            wrong_setting(&INFO, "dim", why)
        })?;
        split(graph, block, id, &[found], &[size], "strips")
    }
}
