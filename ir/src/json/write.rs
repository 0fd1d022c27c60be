//! Writes graphs; states are written by `write_state`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::DACE_VERSION;
use super::flatten::flatten;
use super::names::Renames;
use super::origin::{Origin, reworded};
use super::write_state::StateWriter;
use crate::dtype::DType;
use crate::names::Name;
use crate::sdfg::{Data, Lifetime, Node, Sdfg, Storage};
use crate::symbolic::Expr;

/// The top-level graph.
pub fn root(sdfg: &Sdfg) -> Value {
    let mut graphs = 0;
    let origin = sdfg.origin.as_deref();
    let mut root = graph(sdfg, true, &mut graphs, origin).0;
    if let Some(origin) = origin {
        origin.complete_graph(&mut root);
    }
    root["dace_version"] = json!(DACE_VERSION);
    root
}

/// A graph, and what its names are in the file. `graphs` counts the graphs of the file.
pub fn graph(sdfg: &Sdfg, results: bool, graphs: &mut usize, origin: Option<&Origin>) -> (Value, Renames) {
    let id = *graphs;
    *graphs += 1;
    let mut renames = Renames::of(sdfg, results);
    let boxed = boxed(sdfg);
    let flat = flatten(sdfg, &mut renames, &boxed);
    let mut arrays = Map::new();
    // Members of structures are in these.
    for (name, data) in sdfg.data.iter().filter(|(n, _)| !n.as_str().contains('.')) {
        let value = container(data, boxed.contains(name), &renames);
        arrays.insert(renames.find(*name).to_string(), value);
    }
    let mut symbols = Map::new();
    for name in &flat.assigned {
        symbols.insert(renames.find(*name).to_string(), json!(DType::I64.numpy()));
    }
    for (name, dtype) in &sdfg.symbols {
        symbols.insert(renames.find(*name).to_string(), json!(dtype.numpy()));
    }
    let source = sdfg.source.as_deref();
    let mut nodes = vec![];
    for (i, state) in flat.states.iter().enumerate() {
        let mut writer = StateWriter { sdfg, renames: &mut renames, graphs, source, origin };
        nodes.push(match state.graph {
            Some(graph) => writer.state(graph, &state.label, i),
            None => writer.state(&Default::default(), &state.label, i),
        });
    }
    let edges: Vec<Value> = flat.edges.iter().map(interstate).collect();
    let args: Vec<String> = sdfg.args.iter().map(|n| renames.find(*n).to_string()).collect();
    let value = json!({
        "type": "SDFG",
        "attributes": {
            "name": super::names::identifier(sdfg.name.as_str()),
            "arg_names": args,
            "constants_prop": {},
            "_arrays": arrays,
            "symbols": symbols,
        },
        "nodes": nodes,
        "edges": edges,
        "collapsed": false,
        "label": super::names::identifier(sdfg.name.as_str()),
        "start_block": 0,
        "cfg_list_id": id,
    });
    (value, renames)
}

/// Containers of rank 0 that must be arrays of one element: the caller sees what is written.
fn boxed(sdfg: &Sdfg) -> BTreeSet<Name> {
    let is_outer_scalar = |name: &Name| sdfg.data.get(name).is_some_and(|d| d.is_scalar() && !d.transient);
    let mut found: BTreeSet<Name> = sdfg.returns.iter().copied().filter(is_outer_scalar).collect();
    for (_, graph) in sdfg.states() {
        for (id, node) in graph.nodes() {
            if let Node::Access(data) = node
                && is_outer_scalar(data)
                && graph.in_edges(id).iter().any(|e| e.memlet.is_some())
            {
                found.insert(*data);
            }
        }
    }
    found
}

fn interstate(edge: &super::flatten::FlatEdge) -> Value {
    let assignments: Map<String, Value> =
        edge.assignments.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    json!({
        "type": "Edge",
        "attributes": {"data": {
            "type": "InterstateEdge",
            "attributes": {
                "assignments": assignments,
                "condition": {"string_data": edge.condition, "language": "Python"},
            },
        }},
        "src": edge.src.to_string(),
        "dst": edge.dst.to_string(),
    })
}

fn container(data: &Data, boxed: bool, renames: &Renames) -> Value {
    if let Some(foreign) = &data.foreign {
        let json = serde_json::from_str(&foreign.json).unwrap_or_default();
        return reworded(&json, &Default::default());
    }
    let text = |e: &Expr| e.subst(&|n| Some(Expr::sym(renames.find(n)))).to_dace();
    let list = |es: &[Expr]| es.iter().map(text).collect::<Vec<String>>();
    let mut attributes = json!({
        "dtype": data.dtype.numpy(),
        "transient": data.transient,
        "storage": storage(data.storage),
        "lifetime": if data.lifetime == Lifetime::Sdfg { "SDFG" } else { "Scope" },
    });
    if data.is_scalar() && !boxed {
        attributes["shape"] = json!(["1"]);
        return json!({"type": "Scalar", "attributes": attributes});
    }
    let (shape, strides) = match boxed && data.is_scalar() {
        true => (vec![Expr::one()], vec![Expr::one()]),
        false => (data.shape.clone(), data.strides.clone()),
    };
    // One element more than the last one's distance from the first.
    let reach = shape.iter().zip(&strides).fold(Expr::one(), |sum, (n, s)| sum + (n - 1) * s);
    let packed = data.volume();
    let total = if data.strides == crate::sdfg::row_major(&data.shape) { packed } else { reach };
    attributes["shape"] = json!(list(&shape));
    attributes["strides"] = json!(list(&strides));
    attributes["total_size"] = json!(text(&total));
    attributes["offset"] = json!(vec!["0"; shape.len()]);
    json!({"type": "Array", "attributes": attributes})
}

pub fn storage(storage: Storage) -> &'static str {
    match storage {
        Storage::Default => "Default",
        Storage::Register => "Register",
        Storage::CpuHeap => "CPU_Heap",
        Storage::GpuGlobal => "GPU_Global",
        Storage::GpuShared => "GPU_Shared",
    }
}
