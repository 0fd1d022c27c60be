//! Reads graphs and blocks; the lines of a state are read by `short` and `explicit`.

use std::collections::{BTreeMap, HashSet};

use super::cursor::{Cursor, Parsed};
use super::lines::Line;
use super::{ParseError, explicit, header, short};
use crate::names::Name;
use crate::sdfg::{Block, BlockKind, Data, Guard, Region, Sdfg, StateGraph};
use crate::symbolic::Assumptions;
use crate::tasklet::{self, parse as expr};

/// What lines mean depends on the containers around them.
pub struct Context<'s> {
    pub data: &'s BTreeMap<Name, Data>,
    /// What is known where the state stands; memlets are propagated under it.
    pub facts: Assumptions,
}

impl<'s> Context<'s> {
    pub fn of(sdfg: &'s Sdfg) -> Context<'s> {
        Context { data: &sdfg.data, facts: sdfg.assumptions() }
    }
}

pub struct Parser<'t> {
    /// Every word of the text: made-up labels avoid them.
    words: HashSet<&'t str>,
    made: BTreeMap<&'static str, u32>,
}

const DECLARATIONS: [&str; 4] = ["symbol", "guard", "transient", "data"];

impl<'t> Parser<'t> {
    pub fn new(text: &'t str) -> Parser<'t> {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        Parser { words, made: BTreeMap::new() }
    }

    /// A label that the text does not have.
    pub fn fresh(&mut self, base: &'static str) -> Name {
        let next = self.made.entry(base).or_default();
        loop {
            let label = format!("{base}_{next}");
            *next += 1;
            if !self.words.contains(label.as_str()) {
                return Name::new(&label);
            }
        }
    }

    pub fn sdfg(&mut self, line: &Line) -> Result<Sdfg, ParseError> {
        let mut sdfg = line.read(header::header)?;
        let is_declaration = |l: &&Line| DECLARATIONS.contains(&l.cursor().peek_word());
        for line in line.below.iter().filter(is_declaration) {
            line.read(|c| declaration(c, &mut sdfg))?;
            no_lines_below(line)?;
        }
        for name in sdfg.args.iter().chain(&sdfg.returns) {
            if !sdfg.data.contains_key(name) && !sdfg.symbols.contains_key(name) {
                return Err(line.wrong(format!("'{name}' has no type"), "write it as 'NAME: TYPE'"));
            }
        }
        let blocks: Vec<&Line> = line.below.iter().filter(|l| !is_declaration(l)).collect();
        let mut context = Context::of(&sdfg);
        let body = self.region(&blocks, &mut context)?;
        sdfg.body = body;
        Ok(sdfg)
    }

    fn region(&mut self, lines: &[&Line], context: &mut Context) -> Result<Region, ParseError> {
        let mut region = Region::default();
        let mut rest = lines.iter().copied().peekable();
        while let Some(line) = rest.next() {
            let mut kind = line.cursor();
            if kind.peek_word() != "if" && kind.peek_word() != "else" {
                region.push(self.block(line, context)?);
                continue;
            }
            let mut branches = vec![];
            let mut otherwise = Region::default();
            let mut label = None;
            if kind.peek_word() == "if" {
                let (cond, name) = line.read(|c| {
                    c.eat_word("if");
                    Ok((condition(c, context)?, self.label(c, "if")?))
                })?;
                label = Some(name);
                branches.push((cond, self.below(line, context)?));
                while rest.peek().is_some_and(|l| l.cursor().peek_word() == "elif") {
                    let Some(line) = rest.next() else { break };
                    let cond = line.read(|c| {
                        c.eat_word("elif");
                        condition(c, context)
                    })?;
                    branches.push((cond, self.below(line, context)?));
                }
                if rest.peek().is_some_and(|l| l.text == "else") {
                    let Some(line) = rest.next() else { break };
                    otherwise = self.below(line, context)?;
                }
            } else {
                // A conditional without branches carries its label here.
                line.read(|c| {
                    c.eat_word("else");
                    if !c.sees("@") {
                        return c.fault_at(0, "'else' without 'if'", "");
                    }
                    label = Some(self.label(c, "if")?);
                    Ok(())
                })?;
                otherwise = self.below(line, context)?;
            }
            let label = label.unwrap_or_else(|| self.fresh("if"));
            region.push(Block::new(label, BlockKind::Conditional { branches, otherwise }, line.span));
        }
        Ok(region)
    }

    fn below(&mut self, line: &Line, context: &mut Context) -> Result<Region, ParseError> {
        self.region(&line.below.iter().collect::<Vec<_>>(), context)
    }

    fn label(&mut self, cursor: &mut Cursor, base: &'static str) -> Parsed<Name> {
        if cursor.eat("@") { cursor.name("a label") } else { Ok(self.fresh(base)) }
    }

    fn block(&mut self, line: &Line, context: &mut Context) -> Result<Block, ParseError> {
        let word = line.cursor().peek_word();
        let simple = |kind, base| (kind, base);
        let (kind, base) = match word {
            "state" => {
                let label = line.read(|c| {
                    c.eat_word("state");
                    if c.is_end() { Ok(self.fresh("state")) } else { c.name("a label") }
                })?;
                let graph = self.state(&line.below, context)?;
                return Ok(Block::new(label, BlockKind::State(graph), line.span));
            }
            "loop" => return self.for_loop(line, context),
            "while" => {
                let (cond, label) = line.read(|c| {
                    c.eat_word("while");
                    Ok((condition(c, context)?, self.label(c, "while")?))
                })?;
                let body = self.below(line, context)?;
                return Ok(Block::new(label, BlockKind::While { cond, body }, line.span));
            }
            "assign" => {
                no_lines_below(line)?;
                return line.read(|c| {
                    c.eat_word("assign");
                    let symbol = c.name("a symbol")?;
                    c.expect("=")?;
                    let value = condition(c, context)?;
                    Ok(Block::new(self.label(c, "assign")?, BlockKind::Assign { symbol, value }, line.span))
                });
            }
            "check" => {
                no_lines_below(line)?;
                return line.read(|c| {
                    c.eat_word("check");
                    let cond = condition(c, context)?;
                    let message = c.string()?;
                    Ok(Block::new(self.label(c, "check")?, BlockKind::Check { cond, message }, line.span))
                });
            }
            "break" => simple(BlockKind::Break, "break"),
            "continue" => simple(BlockKind::Continue, "continue"),
            "return" => simple(BlockKind::Return, "return"),
            "elif" => return Err(line.wrong("'elif' without 'if'", "")),
            _ => {
                let hint = "blocks are state, loop, while, if, assign, check, break, continue, return";
                return Err(line.wrong("expected a block", hint));
            }
        };
        no_lines_below(line)?;
        let label = line.read(|c| {
            c.eat_word(word);
            self.label(c, base)
        })?;
        Ok(Block::new(label, kind, line.span))
    }

    fn for_loop(&mut self, line: &Line, context: &mut Context) -> Result<Block, ParseError> {
        let (var, range, label) = line.read(|c| {
            c.eat_word("loop");
            let var = c.name("the loop variable")?;
            c.expect("=")?;
            Ok((var, c.range()?, self.label(c, "loop")?))
        })?;
        let outside = context.facts.clone();
        context.facts.assume_in(var, &range);
        let body = self.below(line, context)?;
        context.facts = outside;
        Ok(Block::new(label, BlockKind::Loop { var, range, body }, line.span))
    }

    /// The graph of a state.
    pub fn state(&mut self, lines: &[Line], context: &Context) -> Result<StateGraph, ParseError> {
        match lines.first() {
            Some(first) if first.text.starts_with('%') => explicit::parse(self, lines, context),
            _ => short::parse(self, lines, context),
        }
    }
}

pub fn no_lines_below(line: &Line) -> Result<(), ParseError> {
    match line.below.first() {
        None => Ok(()),
        Some(below) => Err(below.wrong("nothing belongs below this line", "check the indentation")),
    }
}

fn declaration(c: &mut Cursor, sdfg: &mut Sdfg) -> Parsed<()> {
    let word = c.take_word();
    if word == "guard" {
        let e = c.symbolic()?;
        let guard = if c.eat(">=") {
            Guard::NonNegative(e)
        } else {
            c.expect("==")?;
            Guard::Zero(e)
        };
        if c.integer()? != 0 {
            return c.fault("a guard compares with 0");
        }
        sdfg.guards.push(guard);
        return Ok(());
    }
    c.peek();
    let at = c.at();
    let name = c.name("a name")?;
    c.expect(":")?;
    if word == "symbol" {
        let dtype = header::dtype(c)?;
        if sdfg.data.contains_key(&name) {
            return c.fault_at(at, format!("'{name}' is declared twice"), "");
        }
        sdfg.symbols.insert(name, dtype);
        return Ok(());
    }
    if sdfg.data.contains_key(&name) || sdfg.symbols.contains_key(&name) {
        return c.fault_at(at, format!("'{name}' is declared twice"), "");
    }
    if let Ok(data) = header::data(c, word == "transient", false)? {
        sdfg.data.insert(name, data);
    }
    Ok(())
}

/// A condition or the value of an assignment: reads scalars and symbols.
fn condition(c: &mut Cursor, context: &Context) -> Parsed<tasklet::Expr> {
    expr::parse_at(c, &mut |c, name, at| match context.data.get(&name) {
        Some(data) if !data.is_scalar() => {
            c.fault_at(at, format!("'{name}' is an array"), "conditions read scalars and symbols")
        }
        _ if c.sees("[") => c.fault("nothing is indexed here: conditions read scalars and symbols"),
        found => Ok(expr::leaf(name, found.is_some())),
    })
}
