//! MapExpansion: a map of several dimensions becomes nested maps of one.

use weft_ir::sdfg::{Map, Place, Verified};

use crate::nest::{fresh, inner_schedule, map_sites, repropagate, site_map, surround};
use crate::{Category, Forwarding, Info, Keeps, Plan, Refusal, Settings, Site, Transformation, no_such_site};

pub struct MapExpansion;

static INFO: Info = Info {
    name: "MapExpansion",
    category: Category::Map,
    what: "Takes a map of several dimensions apart into nested maps of one dimension each.",
    why: "So that single dimensions can be interchanged, scheduled or turned into loops by themselves.",
    conditions: &[],
    params: &[],
    before: "\
sdfg scale(A: f64[N, M], B: f64[N, M])
  state s0
    map m0 [i = 0:N, j = 0:M]
      mul: B[i, j] = 2.0 * A[i, j]
",
    after: "\
sdfg scale(A: f64[N, M], B: f64[N, M])
  state s0
    map m0_i [i = 0:N]
      map m0 [j = 0:M]
        mul: B[i, j] = 2.0 * A[i, j]
",
    keeps: Keeps::Exactly,
};

impl Transformation for MapExpansion {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn sites(&self, graph: &Verified) -> Vec<Site> {
        map_sites(graph, |_, map| map.params.len() > 1)
    }

    fn plan(&self, graph: &Verified, site: &Site, _: &Settings) -> Result<Plan, Refusal> {
        let (block, id) = site_map(graph, site, 0)?;
        let place = Place::Map(id);
        let mut edited = crate::editable(graph);
        let old = edited.state_mut(block).expect("state of the site").map(id).clone();
        let Some(last) = old.params.len().checked_sub(1).filter(|&last| last > 0) else {
            return Err(no_such_site(site));
        };
        let mut forwarding = Forwarding::default();
        let mut taken = vec![];
        // Innermost first: each new map goes directly around the one before.
        let mut current = id;
        let mut made = vec![];
        for (k, (name, range)) in old.params[..last].iter().enumerate().rev() {
            let label = fresh(&edited, &taken, &format!("{}_{name}", old.label));
            taken.push(label);
            let schedule = if k == 0 { old.schedule } else { inner_schedule(old.schedule) };
            let map = Map { label, params: vec![(*name, range.clone())], schedule };
            current = surround(edited.state_mut(block).expect("state of the site"), current, map);
            made.push(current);
        }
        let state = edited.state_mut(block).expect("state of the site");
        let map = state.map_mut(id);
        map.params = vec![old.params[last].clone()];
        map.schedule = inner_schedule(old.schedule);
        repropagate(&mut edited, block);
        for map in made.into_iter().rev() {
            forwarding.moved(place, Place::Map(map));
        }
        forwarding.moved(place, place);
        Plan::new(graph, edited, forwarding)
    }
}
