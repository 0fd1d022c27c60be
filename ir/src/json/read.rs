//! Reads graphs: containers, symbols and the interface. Control flow is read by `read_control`, states by
//! `read_state`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::at::{At, Read};
use super::read_control::{accessed, assigned};
use super::value::as_f64;
use super::{JsonError, foreign, symbols, value};
use crate::dtype::{DType, Scalar};
use crate::names::Name;
use crate::sdfg::{
    Block, BlockId, BlockKind, Data, Foreign, Guard, Lifetime, NodeId, Region, Sdfg, Source, SourceFile,
    Storage, row_major,
};
use crate::symbolic::Expr;
use crate::tasklet;

/// Our own graph, if the file was not changed since we wrote it.
pub fn unchanged(root: &Value, meta: &Value) -> Option<Sdfg> {
    let text = meta.get("text")?.as_str()?;
    if meta.get("version")?.as_u64()? != 1 || meta.get("digest")?.as_str()? != value::digest(root) {
        return None;
    }
    let mut sdfg = crate::text::parse(text).ok()?;
    if let Some(source) = meta.get("source").filter(|s| s.is_object()) {
        let field = |of: &Value, key: &str| Some(of.get(key)?.as_str()?.to_string());
        let mut found = Source::new(field(source, "path")?, field(source, "text")?);
        for file in source.get("others").and_then(Value::as_array).into_iter().flatten() {
            found.others.push(SourceFile {
                path: field(file, "path")?,
                module: field(file, "module")?,
                package: file.get("package")?.as_bool()?,
                start: u32::try_from(file.get("start")?.as_u64()?).ok()?,
            });
        }
        let starts = found.others.iter().map(|f| f.start);
        if !starts.clone().is_sorted() || !starts.clone().all(|s| found.text.is_char_boundary(s as usize)) {
            return None;
        }
        sdfg.source = Some(Arc::new(found));
    }
    Some(sdfg)
}

/// The graph of a file that is not ours, and where its blocks are in the file.
pub fn graph(root: &Value, kept: &Kept) -> Result<(Sdfg, Trail), JsonError> {
    let trail = RefCell::default();
    let mut reader = GraphReader::new(kept, &trail);
    let sdfg = reader.sdfg(At::root(root)).map_err(|fault| fault.error)?;
    Ok((sdfg, trail.into_inner()))
}

/// Paths of states and graphs that stay foreign, and why. [`ORDER`] keeps nothing: in such a state accesses
/// that nothing orders are put into the order of the file, one of those that DaCe may choose.
pub type Kept = BTreeMap<String, String>;

/// Where in the file parts of the graph are.
#[derive(Default)]
pub struct Trail {
    /// Of a state itself, else of the graph that the block is in.
    pub blocks: BTreeMap<BlockId, String>,
    pub nodes: BTreeMap<NodeId, String>,
}

pub const ORDER: &str = "order";

pub struct GraphReader<'r> {
    /// Labels and map parameters that are taken in this graph.
    pub labels: BTreeSet<Name>,
    /// Containers of one element that stand for scalars outside.
    pub scalars: BTreeSet<Name>,
    /// Symbols that the node around gives values.
    pub given: BTreeSet<Name>,
    pub depth: usize,
    /// Is it the top-level graph?
    pub outer: bool,
    pub kept: &'r Kept,
    pub trail: &'r RefCell<Trail>,
    /// Containers that stand for parts of others.
    pub views: BTreeSet<Name>,
    /// Constants that are numbers.
    pub constants: BTreeMap<Name, Scalar>,
    /// Containers that reading adds.
    pub extra: BTreeMap<Name, Data>,
    /// Parts that the connectors of the node just read stand for.
    pub parts: super::read_nodes::Parts,
    /// Facts that the file takes for granted.
    pub guards: Vec<Guard>,
    pub path: String,
}

/// What the blocks of a graph need to know.
pub struct Around<'a> {
    pub sdfg: &'a Sdfg,
    /// Every symbol, also assigned ones.
    pub symbols: &'a BTreeSet<Name>,
}

impl<'r> GraphReader<'r> {
    pub fn new(kept: &'r Kept, trail: &'r RefCell<Trail>) -> GraphReader<'r> {
        GraphReader {
            labels: BTreeSet::new(),
            scalars: BTreeSet::new(),
            given: BTreeSet::new(),
            depth: 0,
            outer: true,
            kept,
            trail,
            views: BTreeSet::new(),
            constants: BTreeMap::new(),
            extra: BTreeMap::new(),
            parts: Default::default(),
            guards: vec![],
            path: String::new(),
        }
    }

    /// A reader of a graph in a node of this one.
    pub fn inside(&self) -> GraphReader<'r> {
        GraphReader { depth: self.depth + 1, outer: false, ..GraphReader::new(self.kept, self.trail) }
    }

    /// Whether accesses of the state here are to be ordered.
    pub fn orders(&self, at: &At) -> bool {
        !self.kept.is_empty() && self.kept.get(&at.path()).is_some_and(|r| r == ORDER)
    }

    /// Why the state or graph here stays foreign, if it does.
    pub fn keeps(&self, at: &At) -> Option<String> {
        if self.kept.is_empty() { None } else { self.kept.get(&at.path()).filter(|r| *r != ORDER).cloned() }
    }

    /// A label that is not taken yet.
    pub fn label(&mut self, base: &str) -> Name {
        let name = Name::fresh(base, |n| self.labels.contains(&n));
        self.labels.insert(name);
        name
    }

    /// Our name of a container: DaCe's results are called `__return`, `__return_1`, ….
    pub fn data_name(&self, name: &str) -> Name {
        match name.strip_prefix("__return").filter(|_| self.outer) {
            Some("") => Name::new("return_0"),
            Some(rest) if rest.starts_with('_') => Name::new(&format!("return{rest}")),
            _ => Name::new(name),
        }
    }

    /// The container of this name: of a member of a structure, `A.data`, the structure.
    pub fn container_of(&self, name: &str, sdfg: &Sdfg) -> Option<Name> {
        let own = self.data_name(name);
        let whole = || Some(self.data_name(name.split_once('.')?.0));
        let known = |n: &Name| sdfg.data.contains_key(n);
        Some(own)
            .filter(known)
            .or_else(|| whole().filter(|n| sdfg.data.get(n).is_some_and(|d| d.foreign.is_some())))
    }

    pub fn sdfg(&mut self, at: At) -> Read<Sdfg> {
        if self.depth > 30 {
            return at.error("nested SDFGs more than 30 deep");
        }
        let kind = at.get("type")?;
        if kind.text()? != "SDFG" {
            return kind.error(format!("'{}' is no SDFG", kind.text()?));
        }
        self.path = at.path();
        let attributes = at.get("attributes")?;
        let mut sdfg = Sdfg::new(attributes.get("name")?.text()?);
        for (name, container) in attributes.get("_arrays")?.members()? {
            let name = self.data_name(name);
            let data = self.container(&container, name)?;
            sdfg.data.insert(name, data);
        }
        for name in accessed(&at)? {
            // A member of a structure is a container of its own.
            let whole = name.as_str().split_once('.').map(|(whole, _)| self.data_name(whole));
            if let Some(foreign) = whole.and_then(|w| sdfg.data.get(&w)?.foreign.clone())
                && !sdfg.data.contains_key(&name)
            {
                let foreign = Foreign { reason: "a member of a structure".into(), ..(*foreign).clone() };
                sdfg.data
                    .insert(name, Data { foreign: Some(Arc::new(foreign)), ..Data::scalar(DType::U8, true) });
            }
        }
        let mut first = self.constants(&attributes, &mut sdfg)?;
        let (declared, others) = declared(&attributes)?;
        let mut symbols = declared;
        symbols.extend(&self.given);
        if self.outer {
            // Integer parameters are symbols; DaCe has them as scalars that only ranges and conditions read.
            let accessed: BTreeSet<Name> =
                accessed(&at)?.into_iter().map(|n| self.data_name(n.as_str())).collect();
            let is_symbol = |n: &Name, d: &Data| {
                d.is_scalar()
                    && !d.transient
                    && d.dtype.is_int()
                    && d.foreign.is_none()
                    && !accessed.contains(n)
            };
            symbols.extend(sdfg.data.iter().filter(|(n, d)| is_symbol(n, d)).map(|(n, _)| *n));
            sdfg.data.retain(|n, d| !is_symbol(n, d));
        }
        self.labels.extend(sdfg.data.keys().chain(&symbols));
        let assigned = assigned(&at)?;
        if let Some(name) = assigned.iter().find(|n| others.contains(n)) {
            return at.beyond(format!("'{name}', a symbol that is no integer"));
        }
        for name in &symbols {
            if !assigned.contains(name) && !sdfg.data.contains_key(name) && !self.constants.contains_key(name)
            {
                sdfg.symbols.insert(*name, DType::I64);
            }
        }
        symbols.extend(&assigned);
        let around = Around { sdfg: &sdfg, symbols: &symbols };
        let body = match self.keeps(&at) {
            Some(reason) if self.outer => self.foreign_body(&at, &around, reason)?,
            Some(reason) => return at.beyond(reason),
            None => match self.machine(&at, &around) {
                Err(fault) if fault.beyond && self.outer => {
                    let reason = format!("a graph with {}", fault.error.message);
                    self.foreign_body(&at, &around, reason)?
                }
                read => read?,
            },
        };
        first.blocks.extend(body.blocks);
        sdfg.body = first;
        sdfg.data.append(&mut self.extra);
        for name in symbols::free(&sdfg) {
            sdfg.symbols.entry(name).or_insert(DType::I64);
        }
        for guard in self.guards.split_off(0) {
            let (Guard::NonNegative(e) | Guard::Zero(e)) = &guard;
            if e.free_symbols().iter().all(|n| sdfg.symbols.contains_key(n)) {
                if !sdfg.guards.contains(&guard) {
                    sdfg.guards.push(guard);
                }
            } else {
                return at.beyond(format!("a view that relies on {e} == 0"));
            }
        }
        self.drop_views(&mut sdfg);
        self.interface(&attributes, &mut sdfg)?;
        Ok(sdfg)
    }

    /// Takes the containers away that stood for parts of others and are gone.
    fn drop_views(&self, sdfg: &mut Sdfg) {
        let used: BTreeSet<Name> = symbols::containers(sdfg);
        sdfg.data.retain(|n, _| !self.views.contains(n) || used.contains(n));
    }

    /// Compile-time constants: integers are symbols that are assigned first, other numbers stand in the
    /// tasklets, arrays are foreign.
    fn constants(&mut self, attributes: &At, sdfg: &mut Sdfg) -> Read<Region> {
        let mut first = Region::default();
        let Some(constants) = attributes.find("constants_prop") else { return Ok(first) };
        for (name, pair) in constants.members()? {
            let name = self.data_name(name);
            let [kind, value] = &pair.items()?[..] else { return pair.error("expected a pair") };
            let data = self.container(kind, name)?;
            let number = if data.is_scalar() { as_f64(value.value) } else { None };
            match number {
                Some(_) if data.dtype.is_int() && value.value.is_i64() => {
                    let value = tasklet::Expr::Lit(Scalar::i64(value.value.as_i64().unwrap_or_default()));
                    self.push(&mut first, name.as_str(), BlockKind::Assign { symbol: name, value });
                }
                Some(number) if data.dtype == DType::F64 => {
                    self.constants.insert(name, Scalar::F64(number));
                }
                _ => {
                    let foreign = foreign::container("a compile-time constant", &pair);
                    let data = Data { transient: true, foreign: Some(Arc::new(foreign)), ..data };
                    sdfg.data.entry(name).or_insert(data);
                }
            }
        }
        Ok(first)
    }

    /// Arguments and results.
    fn interface(&self, attributes: &At, sdfg: &mut Sdfg) -> Read<()> {
        let results = self.results(attributes, sdfg)?;
        if let Some(names) = attributes.find("arg_names") {
            for name in names.items()? {
                let name = self.data_name(name.text()?);
                let known =
                    sdfg.data.get(&name).is_some_and(|d| !d.transient) || sdfg.symbols.contains_key(&name);
                if self.outer && known && !sdfg.args.contains(&name) && !results.contains(&name) {
                    sdfg.args.push(name);
                }
            }
        }
        if self.outer {
            let rest: Vec<Name> = sdfg.data.iter().filter(|(_, d)| !d.transient).map(|(n, _)| *n).collect();
            for name in rest {
                if !sdfg.args.contains(&name) && !results.contains(&name) {
                    sdfg.args.push(name);
                }
            }
            sdfg.returns = results;
        }
        Ok(())
    }

    fn results(&self, attributes: &At, sdfg: &Sdfg) -> Read<Vec<Name>> {
        let mut found = vec![];
        for (name, _) in attributes.get("_arrays")?.members()? {
            let ours = self.data_name(name);
            if ours.as_str() != name && sdfg.data.get(&ours).is_some_and(|d| !d.transient) {
                found.push(ours);
            }
        }
        let number = |n: &Name| n.as_str().rsplit('_').next().and_then(|d| d.parse::<usize>().ok());
        found.sort_by_key(|n| (number(n), *n));
        Ok(found)
    }

    fn container(&mut self, at: &At, name: Name) -> Read<Data> {
        let kind = at.get("type")?.text()?;
        let Some(attributes) = at.find("attributes") else {
            return Ok(unknown(at, None, "a container without a shape"));
        };
        if attributes.value.as_object().is_none() {
            return attributes.error("expected an object");
        }
        let strange = match kind {
            "Array" | "Scalar" => None,
            "View" | "ArrayView" => {
                self.views.insert(name);
                None
            }
            "Stream" => Some("a stream".to_string()),
            "Structure" | "StructureView" | "StructureReference" => Some("a structure".to_string()),
            "Reference" | "ArrayReference" => Some("a reference".to_string()),
            other => Some(format!("a container of kind {other}")),
        };
        if let Some(reason) = strange {
            return Ok(unknown(at, Some(&attributes), &reason));
        }
        let dtype = match attributes.find("dtype") {
            // What has its default value is left out.
            None => DType::I32,
            Some(dtype) => match dtype.value.as_str().map(DType::from_numpy) {
                Some(Some(dtype)) => dtype,
                None if !dtype.value.is_object() => return dtype.error("expected a type"),
                _ => {
                    return Ok(unknown(at, Some(&attributes), "a container of elements that are no numbers"));
                }
            },
        };
        let transient = attributes.flag("transient") || self.views.contains(&name);
        let mut data = if kind == "Scalar" || self.scalars.contains(&name) {
            Data::scalar(dtype, transient)
        } else {
            if attributes.find("shape").is_none() {
                return Ok(unknown(at, Some(&attributes), "a container without a shape"));
            }
            match self.array(&attributes, dtype, transient) {
                Err(fault) if fault.beyond => {
                    return Ok(unknown(
                        at,
                        Some(&attributes),
                        &format!("a container with {}", fault.error.message),
                    ));
                }
                read => read?,
            }
        };
        data.storage = match attributes.word("storage").unwrap_or("Default") {
            "Register" => Storage::Register,
            "CPU_Heap" => Storage::CpuHeap,
            "GPU_Global" => Storage::GpuGlobal,
            "GPU_Shared" => Storage::GpuShared,
            _ => Storage::Default,
        };
        data.lifetime = match attributes.word("lifetime").unwrap_or("Scope") {
            "SDFG" | "Persistent" | "Global" | "External" => Lifetime::Sdfg,
            _ => Lifetime::Scope,
        };
        Ok(data)
    }

    fn array(&self, attributes: &At, dtype: DType, transient: bool) -> Read<Data> {
        let list = |key| attributes.get(key)?.items()?.iter().map(At::symbolic).collect::<Read<Vec<Expr>>>();
        let mut data = Data::array(dtype, list("shape")?, transient);
        if attributes.find("strides").is_some() {
            data.strides = list("strides")?;
        }
        if data.strides.len() != data.shape.len() {
            return attributes.error("as many strides as extents are needed");
        }
        if data.shape.iter().any(|n| n.as_int().is_some_and(|n| n < 0)) {
            return attributes.error("a negative extent");
        }
        if attributes.find("offset").is_some() && list("offset")?.iter().any(|o| !o.is_zero()) {
            return attributes.beyond("an offset");
        }
        let long = |(n, s): (&Expr, &Expr)| s.is_zero() && !n.is_one();
        if data.strides != row_major(&data.shape) && data.shape.iter().zip(&data.strides).any(long) {
            return attributes.beyond("a stride of 0");
        }
        Ok(data)
    }

    pub fn push(&mut self, region: &mut Region, base: &str, kind: BlockKind) -> BlockId {
        let label = self.label(base);
        let id = region.push(Block::new(label, kind, None));
        self.trail.borrow_mut().blocks.insert(id, self.path.clone());
        id
    }
}

/// A container that is kept as it is.
fn unknown(at: &At, attributes: Option<&At>, reason: &str) -> Data {
    let transient = attributes.is_some_and(|a| a.flag("transient"));
    let foreign: Foreign = foreign::container(reason, at);
    Data { foreign: Some(Arc::new(foreign)), ..Data::scalar(DType::U8, transient) }
}

/// Symbols of the graph that are integers, and others.
fn declared(attributes: &At) -> Read<(BTreeSet<Name>, BTreeSet<Name>)> {
    let (mut symbols, mut others) = (BTreeSet::new(), BTreeSet::new());
    if let Some(list) = attributes.find("symbols") {
        for (name, dtype) in list.members()? {
            let dtype = dtype.text().ok().and_then(DType::from_numpy);
            let integer = dtype.is_none_or(|t| t.is_int() || t == DType::Bool);
            if integer { &mut symbols } else { &mut others }.insert(Name::new(name));
        }
    }
    Ok((symbols, others))
}

/// The types of containers by name.
pub fn types(sdfg: &Sdfg) -> BTreeMap<Name, DType> {
    sdfg.data.iter().filter(|(_, d)| d.foreign.is_none()).map(|(n, d)| (*n, d.dtype)).collect()
}
