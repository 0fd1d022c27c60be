//! Reads graphs; states are read by `read_state`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::raise::{Jump, Tree, raise};
use super::read_code::{Scope, value_of};
use super::{JsonError, META, value};
use crate::dtype::DType;
use crate::names::Name;
use crate::sdfg::{Block, BlockKind, Data, Lifetime, Region, Sdfg, Source, SourceFile, Storage, row_major};
use crate::symbolic::{Expr, Range};

pub type Read<T> = Result<T, JsonError>;

/// Reads an `.sdfg` file.
pub fn read(text: &str) -> Read<Sdfg> {
    let mut root = value::parse(text)?;
    let meta = root.get_mut("attributes").and_then(Value::as_object_mut).and_then(|a| a.shift_remove(META));
    if let Some(meta) = meta
        && let Some(sdfg) = unchanged(&root, &meta)
    {
        return Ok(sdfg);
    }
    let mut reader = GraphReader { labels: BTreeSet::new(), scalars: BTreeSet::new(), depth: 0, outer: true };
    reader.sdfg(At::root(&root))
}

/// Our own graph, if the file was not changed since we wrote it.
fn unchanged(root: &Value, meta: &Value) -> Option<Sdfg> {
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

/// A value and where it is in the file.
#[derive(Clone)]
pub struct At<'v> {
    pub value: &'v Value,
    pub path: String,
}

impl<'v> At<'v> {
    fn root(value: &'v Value) -> At<'v> {
        At { value, path: "$".into() }
    }

    pub fn error<T>(&self, message: impl Into<String>) -> Read<T> {
        Err(JsonError { path: self.path.clone(), message: message.into() })
    }

    /// A member that may be missing or null.
    pub fn find(&self, key: &str) -> Option<At<'v>> {
        let value = self.value.get(key).filter(|v| !v.is_null())?;
        Some(At { value, path: format!("{}.{key}", self.path) })
    }

    pub fn get(&self, key: &str) -> Read<At<'v>> {
        match self.find(key) {
            Some(found) => Ok(found),
            None => self.error(format!("'{key}' is missing")),
        }
    }

    pub fn text(&self) -> Read<&'v str> {
        match self.value.as_str() {
            Some(text) => Ok(text),
            None => self.error("expected a string"),
        }
    }

    pub fn items(&self) -> Read<Vec<At<'v>>> {
        match self.value.as_array() {
            Some(items) => {
                let at = |(i, value)| At { value, path: format!("{}[{i}]", self.path) };
                Ok(items.iter().enumerate().map(at).collect())
            }
            None => self.error("expected a list"),
        }
    }

    pub fn members(&self) -> Read<Vec<(&'v String, At<'v>)>> {
        match self.value.as_object() {
            Some(map) => {
                let at = |(key, value)| (key, At { value, path: format!("{}.{key}", self.path) });
                Ok(map.iter().map(at).collect())
            }
            None => self.error("expected an object"),
        }
    }

    pub fn flag(&self, key: &str) -> bool {
        self.find(key).is_some_and(|v| v.value.as_bool() == Some(true))
    }

    /// A number in a string or as such, as an index.
    pub fn index(&self) -> Read<usize> {
        let number = self.value.as_u64().or_else(|| self.value.as_str()?.parse().ok());
        match number.and_then(|n| usize::try_from(n).ok()) {
            Some(n) => Ok(n),
            None => self.error("expected an index"),
        }
    }

    /// A symbolic expression in a string, a number, or the main part of `{"main", "approx"}`.
    pub fn symbolic(&self) -> Read<Expr> {
        let text = match self.value {
            Value::Number(n) => n.to_string(),
            Value::String(text) => text.clone(),
            Value::Object(map) if map.contains_key("main") => return self.get("main")?.symbolic(),
            _ => return self.error("expected an expression"),
        };
        match Expr::parse(&text) {
            Ok(e) => Ok(e),
            Err(e) => self.error(format!("cannot read the expression '{text}': {}", e.message)),
        }
    }
}

pub struct GraphReader {
    /// Labels and map parameters that are taken in this graph.
    pub labels: BTreeSet<Name>,
    /// Containers of one element that stand for scalars outside.
    pub scalars: BTreeSet<Name>,
    pub depth: usize,
    /// Is it the top-level graph?
    pub outer: bool,
}

/// What the blocks of a graph need to know.
pub struct Around<'a> {
    pub sdfg: &'a Sdfg,
    /// Every symbol, also assigned ones.
    pub symbols: &'a BTreeSet<Name>,
}

impl GraphReader {
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

    pub fn sdfg(&mut self, at: At) -> Read<Sdfg> {
        if self.depth > 30 {
            return at.error("nested SDFGs more than 30 deep");
        }
        let kind = at.get("type")?;
        if kind.text()? != "SDFG" {
            return kind.error(format!("'{}' is no SDFG", kind.text()?));
        }
        let attributes = at.get("attributes")?;
        let mut sdfg = Sdfg::new(attributes.get("name")?.text()?);
        if let Some(constants) = attributes.find("constants_prop")
            && constants.value.as_object().is_some_and(|m| !m.is_empty())
        {
            return constants.error("compile-time constants");
        }
        for (name, container) in attributes.get("_arrays")?.members()? {
            let name = self.data_name(name);
            let data = self.container(&container, name)?;
            sdfg.data.insert(name, data);
        }
        let mut symbols = BTreeSet::new();
        if let Some(list) = attributes.find("symbols") {
            for (name, dtype) in list.members()? {
                let dtype = dtype.text().ok().and_then(DType::from_numpy);
                if dtype.is_some_and(|t| t.is_int() || t == DType::Bool) {
                    symbols.insert(Name::new(name));
                }
            }
        }
        if self.outer {
            // Integer parameters are symbols; DaCe has them as scalars that only ranges and conditions read.
            let accessed = accessed(&at)?;
            let is_symbol = |n: &Name, d: &Data| {
                d.is_scalar() && !d.transient && d.dtype.is_int() && !accessed.contains(n)
            };
            symbols.extend(sdfg.data.iter().filter(|(n, d)| is_symbol(n, d)).map(|(n, _)| *n));
            sdfg.data.retain(|n, d| !is_symbol(n, d));
        }
        self.labels.extend(sdfg.data.keys().chain(&symbols));
        let assigned = assigned(&at)?;
        for name in &symbols {
            if !assigned.contains(name) {
                sdfg.symbols.insert(*name, DType::I64);
            }
        }
        symbols.extend(&assigned);
        let body = self.machine(&at, &Around { sdfg: &sdfg, symbols: &symbols })?;
        sdfg.body = body;
        self.interface(&attributes, &mut sdfg)?;
        Ok(sdfg)
    }

    /// Arguments and results.
    fn interface(&self, attributes: &At, sdfg: &mut Sdfg) -> Read<()> {
        let results = self.results(attributes, sdfg)?;
        if let Some(names) = attributes.find("arg_names") {
            for name in names.items()? {
                let name = self.data_name(name.text()?);
                let known = sdfg.data.contains_key(&name) || sdfg.symbols.contains_key(&name);
                if known && !sdfg.args.contains(&name) && !results.contains(&name) {
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

    fn container(&self, at: &At, name: Name) -> Read<Data> {
        let kind = at.get("type")?.text()?;
        let attributes = match at.find("attributes") {
            Some(attributes) => attributes,
            None => return at.error("a container without a shape"),
        };
        if !matches!(kind, "Array" | "Scalar") {
            return at.error(format!("a container of kind {kind}"));
        }
        let dtype = match attributes.find("dtype") {
            // What has its default value is left out.
            None => DType::I32,
            Some(dtype) => match dtype.value.as_str().and_then(DType::from_numpy) {
                Some(dtype) => dtype,
                None => return dtype.error("an element type that is no number"),
            },
        };
        let transient = attributes.flag("transient");
        let mut data = if kind == "Scalar" || self.scalars.contains(&name) {
            Data::scalar(dtype, transient)
        } else {
            let list = |key: &str| {
                attributes.get(key)?.items()?.iter().map(At::symbolic).collect::<Read<Vec<Expr>>>()
            };
            let mut data = Data::array(dtype, list("shape")?, transient);
            // Inside a nested graph the part outside says where the elements are.
            if attributes.find("strides").is_some() && (self.outer || transient) {
                data.strides = list("strides")?;
            }
            if data.strides.len() != data.shape.len() {
                return attributes.error("as many strides as extents are needed");
            }
            if attributes.find("offset").is_some() && list("offset")?.iter().any(|o| !o.is_zero()) {
                return attributes.error("a container with an offset");
            }
            if data.strides != row_major(&data.shape) && data.strides.iter().any(Expr::is_zero) {
                return attributes.error("a container with a stride of 0");
            }
            data
        };
        let word = |key: &str| attributes.find(key).and_then(|v| v.value.as_str()).unwrap_or("Default");
        data.storage = match word("storage") {
            "Default" => Storage::Default,
            "Register" => Storage::Register,
            "CPU_Heap" => Storage::CpuHeap,
            "GPU_Global" => Storage::GpuGlobal,
            "GPU_Shared" => Storage::GpuShared,
            other => return attributes.error(format!("storage {other}")),
        };
        data.lifetime = match word("lifetime") {
            "SDFG" | "Persistent" | "Global" => Lifetime::Sdfg,
            _ => Lifetime::Scope,
        };
        Ok(data)
    }

    // ---- control flow ------------------------------------------------------------------

    /// The blocks of a graph or region.
    fn machine(&mut self, at: &At, around: &Around) -> Read<Region> {
        let nodes = at.get("nodes")?.items()?;
        let mut jumps = vec![];
        for edge in at.get("edges")?.items()? {
            jumps.push(jump(&edge, nodes.len())?);
        }
        let empty = nodes
            .iter()
            .map(|n| n.find("nodes").is_some_and(|l| l.value.as_array().is_some_and(Vec::is_empty)));
        let empty: Vec<bool> = nodes.iter().zip(empty).map(|(n, e)| e && is(n, "SDFGState")).collect();
        let start = match at.find("start_block").or_else(|| at.find("start_state")) {
            Some(start) => start.index()?,
            None => 0,
        };
        if !nodes.is_empty() && start >= nodes.len() {
            return at.error("the first block does not exist");
        }
        let trees = match raise(empty.clone(), &jumps, start) {
            Ok(trees) => trees,
            Err(message) => return at.error(message),
        };
        let mut region = Region::default();
        self.emit(trees, &nodes, &empty, around, &mut region, at)?;
        Ok(region)
    }

    fn emit(
        &mut self,
        trees: Vec<Tree>,
        nodes: &[At],
        empty: &[bool],
        around: &Around,
        region: &mut Region,
        at: &At,
    ) -> Read<()> {
        for tree in trees {
            match tree {
                Tree::Block(i) if empty[i] => {}
                Tree::Block(i) => self.block(&nodes[i], around, region)?,
                Tree::Assign(name, value) => self.assign(&name, &value, around, region, at)?,
                Tree::While { guard, condition, body } => {
                    let cond = self.condition(&condition, around, &nodes[guard])?;
                    let inner = self.inner(body, nodes, empty, around, at)?;
                    self.push(region, "while", BlockKind::While { cond, body: inner });
                }
                Tree::For { guard, variable, condition, begin, next, body } => {
                    let inner = self.inner(body, nodes, empty, around, at)?;
                    let range = for_range(&variable, &condition, &begin, &next, &inner);
                    self.close_loop(
                        region,
                        range,
                        &variable,
                        (&condition, &begin, &next),
                        inner,
                        around,
                        &nodes[guard],
                    )?;
                }
                Tree::If { branches, otherwise } => {
                    let mut list = vec![];
                    for (condition, body) in branches {
                        let cond = self.condition(&condition, around, at)?;
                        list.push((cond, self.inner(body, nodes, empty, around, at)?));
                    }
                    let otherwise = self.inner(otherwise, nodes, empty, around, at)?;
                    if otherwise.blocks.is_empty() && list.iter().all(|(_, r)| r.blocks.is_empty()) {
                        continue;
                    }
                    self.push(region, "cond", BlockKind::Conditional { branches: list, otherwise });
                }
                Tree::Break => self.push(region, "break", BlockKind::Break),
                Tree::Continue => self.push(region, "continue", BlockKind::Continue),
                Tree::Return => self.push(region, "return", BlockKind::Return),
            }
        }
        Ok(())
    }

    fn inner(
        &mut self,
        trees: Vec<Tree>,
        nodes: &[At],
        empty: &[bool],
        around: &Around,
        at: &At,
    ) -> Read<Region> {
        let mut region = Region::default();
        self.emit(trees, nodes, empty, around, &mut region, at)?;
        Ok(region)
    }

    fn push(&mut self, region: &mut Region, base: &str, kind: BlockKind) {
        let label = self.label(base);
        region.push(Block::new(label, kind, None));
    }

    /// A loop over a range, or what it stands for where it is none.
    #[expect(clippy::too_many_arguments, reason = "the parts of a loop")]
    fn close_loop(
        &mut self,
        region: &mut Region,
        range: Option<Range>,
        variable: &str,
        (condition, begin, next): (&str, &str, &str),
        body: Region,
        around: &Around,
        at: &At,
    ) -> Read<()> {
        if let Some(range) = range {
            self.push(region, "loop", BlockKind::Loop { var: Name::new(variable), range, body });
            return Ok(());
        }
        let mut continues = false;
        body.walk(&mut |block| continues |= matches!(block.kind, BlockKind::Continue));
        if continues {
            return at.error(format!("a loop over '{variable}' that is no range and continues"));
        }
        let mut body = body;
        self.assign(variable, begin, around, region, at)?;
        self.assign(variable, next, around, &mut body, at)?;
        let cond = self.condition(condition, around, at)?;
        self.push(region, "while", BlockKind::While { cond, body });
        Ok(())
    }

    fn scope<'a>(around: &'a Around, symbol: &'a dyn Fn(Name) -> Option<Name>) -> Scope<'a> {
        let scalars = around.sdfg.data.iter().filter(|(_, d)| d.is_scalar());
        Scope { vars: scalars.map(|(n, d)| (*n, d.dtype)).collect(), arrays: BTreeSet::new(), symbol }
    }

    fn condition(&self, text: &str, around: &Around, at: &At) -> Read<crate::tasklet::Expr> {
        let symbol = |n: Name| around.symbols.contains(&n).then_some(n);
        value_of(text, &Self::scope(around, &symbol), DType::Bool)
            .or_else(|message| at.error(format!("cannot read the condition: {message}")))
    }

    fn assign(&mut self, name: &str, text: &str, around: &Around, region: &mut Region, at: &At) -> Read<()> {
        let symbol = |n: Name| around.symbols.contains(&n).then_some(n);
        let value = value_of(text, &Self::scope(around, &symbol), DType::I64)
            .or_else(|message| at.error(format!("cannot read the assignment to '{name}': {message}")))?;
        self.push(region, "assign", BlockKind::Assign { symbol: Name::new(name), value });
        Ok(())
    }

    fn block(&mut self, at: &At, around: &Around, region: &mut Region) -> Read<()> {
        let name = |at: &At| at.find("label").and_then(|l| l.value.as_str()).unwrap_or("block").to_string();
        match at.get("type")?.text()? {
            "SDFGState" => {
                let graph = self.state(at, around)?;
                let label = name(at);
                self.push(region, &label, BlockKind::State(graph));
            }
            "LoopRegion" => self.loop_region(at, around, region)?,
            "ConditionalBlock" => {
                let (mut branches, mut otherwise) = (vec![], Region::default());
                for branch in at.get("branches")?.items()? {
                    let [condition, body] = &branch.items()?[..] else {
                        return branch.error("expected a pair");
                    };
                    let inner = self.machine(body, around)?;
                    match code(condition) {
                        Some(text) => branches.push((self.condition(text, around, condition)?, inner)),
                        None => otherwise = inner,
                    }
                }
                self.push(region, "cond", BlockKind::Conditional { branches, otherwise });
            }
            "ControlFlowRegion" | "FunctionCallRegion" | "NamedRegion" => {
                let inner = self.machine(at, around)?;
                region.blocks.extend(inner.blocks);
            }
            "BreakBlock" => self.push(region, "break", BlockKind::Break),
            "ContinueBlock" => self.push(region, "continue", BlockKind::Continue),
            "ReturnBlock" => self.push(region, "return", BlockKind::Return),
            other => return at.error(format!("a block of kind {other}")),
        }
        Ok(())
    }

    fn loop_region(&mut self, at: &At, around: &Around, region: &mut Region) -> Read<()> {
        let attributes = at.get("attributes")?;
        if attributes.flag("inverted") {
            return at.error("a loop that asks at its end");
        }
        let Some(condition) = attributes.find("loop_condition").and_then(|c| code(&c)) else {
            return at.error("a loop without a condition");
        };
        let body = self.machine(at, around)?;
        let step = |key: &str| {
            let text = attributes.find(key).and_then(|c| code(&c))?;
            let (name, value) = text.split_once('=')?;
            Some((name.trim(), value.trim()))
        };
        match (step("init_statement"), step("update_statement")) {
            (Some((variable, begin)), Some((same, next))) if variable == same => {
                let range = for_range(variable, condition, begin, next, &body);
                self.close_loop(region, range, variable, (condition, begin, next), body, around, at)
            }
            (None, None) => {
                let cond = self.condition(condition, around, at)?;
                self.push(region, "while", BlockKind::While { cond, body });
                Ok(())
            }
            _ => at.error("a loop with a start but no step, or the other way round"),
        }
    }
}

fn is(at: &At, kind: &str) -> bool {
    at.value.get("type").and_then(Value::as_str) == Some(kind)
}

/// The text of a code block, `None` for null.
fn code<'v>(at: &At<'v>) -> Option<&'v str> {
    at.value.as_str().or_else(|| at.value.get("string_data")?.as_str())
}

fn jump(at: &At, count: usize) -> Read<Jump> {
    let data = at.get("attributes")?.get("data")?.get("attributes")?;
    let condition = data.find("condition").and_then(|c| code(&c)).map(str::trim);
    let condition = condition.filter(|c| !matches!(*c, "1" | "True" | "true" | "(1)")).map(str::to_string);
    let mut assignments = vec![];
    if let Some(list) = data.find("assignments") {
        for (name, value) in list.members()? {
            let text = match value.value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assignments.push((name.clone(), text));
        }
    }
    let (src, dst) = (at.get("src")?.index()?, at.get("dst")?.index()?);
    if src >= count || dst >= count {
        return at.error("an edge to a block that does not exist");
    }
    // All take place at once; one after the other they may see each other.
    let crosses = assignments.len() > 1
        && assignments.iter().any(|(n, _)| {
            let reads = |v: &str| v.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == n);
            assignments.iter().any(|(m, v)| m != n && reads(v))
        });
    if crosses {
        return at.error("assignments of one edge that read each other");
    }
    Ok(Jump { src, dst, condition, assignments })
}

/// Symbols that edges and loops of a graph assign, without those of nested graphs.
fn assigned(at: &At) -> Read<BTreeSet<Name>> {
    let mut found = BTreeSet::new();
    if let Some(edges) = at.find("edges") {
        for edge in edges.items()? {
            let data =
                edge.find("attributes").and_then(|a| a.find("data")).and_then(|d| d.find("attributes"));
            if let Some(list) = data.and_then(|d| d.find("assignments")) {
                found.extend(list.members()?.into_iter().map(|(name, _)| Name::new(name)));
            }
        }
    }
    let variable = at.find("attributes").and_then(|a| a.find("loop_variable"));
    if let Some(name) = variable.and_then(|v| v.value.as_str()).filter(|v| !v.is_empty()) {
        found.insert(Name::new(name));
    }
    for block in at.find("nodes").map_or(Ok(vec![]), |n| n.items())? {
        if !is(&block, "SDFGState") && block.find("edges").is_some() && block.find("type").is_some() {
            found.extend(assigned(&block)?);
        }
        if let Some(branches) = block.find("branches") {
            for branch in branches.items()? {
                if let [_, body] = &branch.items()?[..] {
                    found.extend(assigned(body)?);
                }
            }
        }
    }
    Ok(found)
}

/// Containers that states of a graph touch, without those of nested graphs.
fn accessed(at: &At) -> Read<BTreeSet<Name>> {
    let mut found = BTreeSet::new();
    for node in at.find("nodes").map_or(Ok(vec![]), |n| n.items())? {
        if is(&node, "AccessNode") {
            let data = node.find("attributes").and_then(|a| a.find("data"));
            found.extend(data.and_then(|d| d.value.as_str()).map(Name::new));
        } else if !is(&node, "NestedSDFG") {
            found.extend(accessed(&node)?);
        }
        for branch in node.find("branches").map_or(Ok(vec![]), |b| b.items())? {
            if let [_, body] = &branch.items()?[..] {
                found.extend(accessed(body)?);
            }
        }
    }
    Ok(found)
}

/// The range of a loop from its texts; `None` where the body changes what it depends on.
fn for_range(variable: &str, condition: &str, begin: &str, next: &str, body: &Region) -> Option<Range> {
    let var = Name::new(variable);
    let step = Expr::parse(next).ok()? - Expr::sym(var);
    let constant = step.as_int()?;
    let trimmed = condition.trim();
    let condition = trimmed.strip_prefix('(').and_then(|c| c.strip_suffix(')')).unwrap_or(trimmed);
    let (op, at) = ["<=", ">=", "<", ">"].iter().find_map(|op| Some((*op, condition.find(op)?)))?;
    let (left, right) = (Expr::parse(&condition[..at]).ok()?, Expr::parse(&condition[at + op.len()..]).ok()?);
    let (bound, op) = if left.as_sym() == Some(var) {
        (right, op)
    } else if right.as_sym() == Some(var) {
        (
            left,
            match op {
                "<=" => ">=",
                ">=" => "<=",
                "<" => ">",
                _ => "<",
            },
        )
    } else {
        return None;
    };
    let end = match (op, constant > 0) {
        ("<", true) | (">", false) => bound,
        ("<=", true) => bound + 1,
        (">=", false) => bound - 1,
        _ => return None,
    };
    let mut changed = BTreeSet::new();
    body.walk(&mut |block| match &block.kind {
        BlockKind::Assign { symbol, .. } => {
            changed.insert(*symbol);
        }
        BlockKind::Loop { var, .. } => {
            changed.insert(*var);
        }
        _ => {}
    });
    if constant == 0
        || changed.contains(&var)
        || end.contains(var)
        || changed.iter().any(|n| end.contains(*n))
    {
        return None;
    }
    Some(Range { begin: Expr::parse(begin).ok()?, end, step })
}

/// The types of containers by name.
pub fn types(sdfg: &Sdfg) -> BTreeMap<Name, DType> {
    sdfg.data.iter().map(|(n, d)| (*n, d.dtype)).collect()
}
