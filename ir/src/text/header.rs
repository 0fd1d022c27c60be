//! Containers and the first line of a graph, both ways.

use super::cursor::{Cursor, Parsed, quoted};
use crate::dtype::DType;
use crate::names::Name;
use crate::sdfg::{Data, Lifetime, Sdfg, Storage, row_major};
use crate::symbolic::Expr;

const STORAGES: [(Storage, &str); 4] = [
    (Storage::Register, "register"),
    (Storage::CpuHeap, "heap"),
    (Storage::GpuGlobal, "gpu_global"),
    (Storage::GpuShared, "gpu_shared"),
];

fn extents(list: &[Expr]) -> String {
    list.iter().map(|e| e.to_string()).collect::<Vec<_>>().join(", ")
}

/// `f64[N, M] strides [1, N]`; `arg`: an integer scalar needs brackets there.
pub fn data_text(data: &Data, arg: bool) -> String {
    let mut out = data.dtype.short().to_string();
    if !data.shape.is_empty()
        || (arg && data.dtype.is_int())
        || (data.dtype.is_int() && data.foreign.is_some())
    {
        out += &format!("[{}]", extents(&data.shape));
    }
    if data.strides != row_major(&data.shape) {
        out += &format!(" strides [{}]", extents(&data.strides));
    }
    if let Some((_, name)) = STORAGES.iter().find(|row| row.0 == data.storage) {
        out += &format!(" storage {name}");
    }
    if data.lifetime == Lifetime::Sdfg {
        out += " lifetime sdfg";
    }
    if let Some(foreign) = &data.foreign {
        out += &format!(" foreign {}", super::explicit::foreign_text(foreign));
    }
    out
}

pub fn dtype(cursor: &mut Cursor) -> Parsed<DType> {
    cursor.peek();
    let at = cursor.at();
    let word = cursor.take_word();
    match DType::from_short(word) {
        Some(dtype) => Ok(dtype),
        None => cursor.fault_at(
            at,
            format!("unknown type '{word}'"),
            "types are f64, f32, i64, i32, bool, c128, …",
        ),
    }
}

/// What stands after `NAME:`; `None` for a symbol of that type.
pub fn data(cursor: &mut Cursor, transient: bool, arg: bool) -> Parsed<Result<Data, DType>> {
    let dtype = dtype(cursor)?;
    if !cursor.sees("[") && arg && dtype.is_int() {
        return Ok(Err(dtype));
    }
    let shape = if cursor.sees("[") { cursor.extents()? } else { vec![] };
    let mut data = Data::array(dtype, shape, transient);
    if cursor.eat_word("strides") {
        let at = cursor.at();
        data.strides = cursor.extents()?;
        if data.strides.len() != data.shape.len() {
            return cursor.fault_at(at, "as many strides as extents are needed", "");
        }
    }
    if cursor.eat_word("storage") {
        cursor.peek();
        let (at, word) = (cursor.at(), cursor.take_word());
        match STORAGES.iter().find(|row| row.1 == word) {
            Some(row) => data.storage = row.0,
            None => return cursor.fault_at(at, format!("unknown storage '{word}'"), ""),
        }
    }
    if cursor.eat_word("lifetime") {
        if !cursor.eat_word("sdfg") {
            return cursor.fault("expected 'sdfg'");
        }
        data.lifetime = Lifetime::Sdfg;
    }
    if cursor.eat_word("foreign") {
        data.foreign = Some(super::explicit::foreign_tail(cursor)?.into());
    }
    Ok(Ok(data))
}

/// The first line.
pub fn header_text(sdfg: &Sdfg) -> String {
    let arg = |name: &Name| match (sdfg.data.get(name), sdfg.symbols.get(name)) {
        (Some(data), _) => format!("{}: {}", quoted(*name), data_text(data, true)),
        (None, Some(dtype)) if dtype.is_int() => format!("{}: {dtype}", quoted(*name)),
        _ => quoted(*name),
    };
    let args: Vec<String> = sdfg.args.iter().map(arg).collect();
    let mut out = format!("sdfg {}({})", quoted(sdfg.name), args.join(", "));
    let mut seen: Vec<Name> = sdfg.args.clone();
    for (i, name) in sdfg.returns.iter().enumerate() {
        out += if i == 0 { " -> " } else { ", " };
        if seen.contains(name) {
            out += &quoted(*name);
        } else {
            out += &arg(name);
            seen.push(*name);
        }
    }
    out
}

/// Symbols that need no declaration: plain extents of arguments and results.
pub fn implied_symbols(sdfg: &Sdfg) -> Vec<Name> {
    let containers = sdfg.args.iter().chain(&sdfg.returns).filter_map(|name| sdfg.data.get(name));
    containers.flat_map(|d| d.shape.iter().filter_map(|e| e.as_sym())).collect()
}

/// Reads the first line into an empty graph.
pub fn header(cursor: &mut Cursor) -> Parsed<Sdfg> {
    if !cursor.eat_word("sdfg") {
        return cursor.fault("expected 'sdfg NAME(…)'");
    }
    let mut sdfg = Sdfg::new(cursor.name("the name of the graph")?);
    let args = cursor.list("(", ")", |c| declared(c, &mut sdfg))?;
    sdfg.args = args;
    if cursor.eat("->") {
        loop {
            let name = declared(cursor, &mut sdfg)?;
            sdfg.returns.push(name);
            if !cursor.eat(",") {
                break;
            }
        }
    }
    for name in implied_symbols(&sdfg) {
        sdfg.symbols.entry(name).or_insert(DType::I64);
    }
    Ok(sdfg)
}

fn declared(cursor: &mut Cursor, sdfg: &mut Sdfg) -> Parsed<Name> {
    cursor.peek();
    let at = cursor.at();
    let name = cursor.name("a name")?;
    if !cursor.eat(":") {
        return Ok(name);
    }
    let twice = sdfg.data.contains_key(&name) || sdfg.symbols.contains_key(&name);
    if twice {
        return cursor.fault_at(at, format!("'{name}' is declared twice"), "");
    }
    match data(cursor, false, true)? {
        Ok(data) => {
            sdfg.data.insert(name, data);
        }
        Err(dtype) => {
            sdfg.symbols.insert(name, dtype);
        }
    }
    Ok(name)
}
