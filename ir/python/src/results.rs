//! What functions return: the caller's function through containers, inlined ones by value.

use ruff_python_ast as ast;
use weft_ir::dtype::DType;
use weft_ir::names::Name;
use weft_ir::sdfg::{BlockKind, Data, Span};
use weft_ir::symbolic::Expr;
use weft_ir::tasklet::{self, BinOp};

use crate::context::{Importer, Lazy, Res, fail, fail_hint};
use crate::stmt::{Flow, RETURN};
use crate::value::{Kind, Value, View};

/// What one result is like.
#[derive(Clone, PartialEq, Debug)]
pub struct Returned {
    kind: Kind,
    /// The extents that it has at the most.
    most: Vec<Expr>,
    array: bool,
}

impl Importer<'_> {
    pub fn return_stmt(&mut self, r: &ast::StmtReturn, span: Span) -> Res<Flow> {
        let value = match &r.value {
            Some(e) => self.eval(e)?,
            None => Value::None,
        };
        if self.frames.len() > 1 {
            return self.return_inlined(value, span);
        }
        let items = match value {
            Value::None if self.gives_values && (self.nesting() > 1 || self.results.is_some()) => {
                self.no_result(span);
                return Ok(Flow::Gone);
            }
            Value::None => vec![],
            Value::Tuple(items) => items,
            other => vec![other],
        };
        // Lists arrive as arrays.
        let mut settled = vec![];
        for v in items {
            let v = self.array_like(v, span)?;
            settled.push(self.decided(&v, span)?);
        }
        let items = settled;
        let mut kinds = vec![];
        for item in &items {
            self.ensure_type(item, span);
            let Some(kind) = item.kind() else {
                return fail(span, format!("{} cannot be returned", item.describe()));
            };
            let most = self.room_for(&item.shape(), span);
            kinds.push(Returned { kind, most, array: matches!(item, Value::Array(_)) });
        }
        match &self.results {
            None => self.declare_results(&kinds, &items),
            Some(before) if *before != kinds => {
                return fail_hint(
                    span,
                    "another 'return' gives other types or shapes",
                    "return the same kind of value everywhere",
                );
            }
            Some(_) => {}
        }
        self.results = Some(kinds);
        for (i, item) in items.iter().enumerate() {
            self.give_result(i, item, span)?;
        }
        if self.loop_depth > 0 || self.open_branches > 0 {
            self.left = true;
            self.block("return", BlockKind::Return, span);
        }
        Ok(Flow::Gone)
    }

    /// The run ends here: None has no place beside the results that the function has elsewhere.
    pub fn no_result(&mut self, span: Span) {
        let never = weft_ir::tasklet::Expr::Lit(weft_ir::dtype::Scalar::Bool(false));
        self.check(never, "the function ends here without the result that it has elsewhere", span);
    }

    /// A `return` of an inlined function: by its value, or through containers where ways meet.
    fn return_inlined(&mut self, value: Value, span: Span) -> Res<Flow> {
        let value = self.hold(value, span)?;
        let early = self.frame().early;
        if early.is_none() && !self.frame().lazy.contains_key(RETURN) {
            return Ok(Flow::Return(value));
        }
        if value == Value::None && early.is_some() && self.loop_depth == 0 {
            // Nothing is set: that is how the end of the function knows.
            self.frame().none = true;
            return Ok(Flow::Gone);
        }
        let (names, items, count) = match value {
            Value::None => (vec![], vec![], None),
            Value::Tuple(items) => {
                let names = (0..items.len()).map(|i| format!("{RETURN}{i}")).collect();
                let count = items.len();
                (names, items, Some(Some(count)))
            }
            value => (vec![RETURN.to_string()], vec![value], Some(None)),
        };
        let before = self.frame().returns;
        if before.is_some() && before != count {
            return fail_hint(
                span,
                "another 'return' gives another number of values",
                "return as many everywhere",
            );
        }
        self.frame().returns = count;
        for (name, item) in names.into_iter().zip(items) {
            if !self.frame().cells.contains_key(&name) {
                let key = (self.frame().path.clone(), name.clone());
                self.frame().lazy.insert(name.clone(), Lazy { key, flag: None, none: false });
            }
            if !self.bind_cell(&name, &item, span)? {
                return fail(span, format!("{} cannot be returned from a loop or branch", item.describe()));
            }
        }
        let Some(flag) = early else { return self.returned(span).map(Flow::Return) };
        self.set_flag(flag, span)?;
        if self.loop_depth > 0 {
            self.block("break", BlockKind::Break, span);
        }
        Ok(Flow::Gone)
    }

    /// The most elements that the extents of a result can have: the caller makes room for them. Where nothing
    /// bounds an extent, there is some room, and a run that needs more ends.
    fn room_for(&mut self, shape: &[Expr], span: Span) -> Vec<Expr> {
        const ROOM: [i64; 3] = [1 << 16, 1 << 9, 1 << 6];
        let known: Vec<Option<Expr>> = shape.iter().map(|n| self.most(n)).collect();
        let open = known.iter().filter(|n| n.is_none()).count();
        let mut room = ROOM[open.clamp(1, ROOM.len()) - 1];
        if known.iter().flatten().any(|n| !n.is_one()) {
            room = room.min(ROOM[0] >> 4);
        }
        // Large arguments have large results.
        let mut room = Expr::int(room);
        for data in self.sdfg.args.iter().filter_map(|name| self.sdfg.data.get(name)) {
            let size = match (open, shape.len()) {
                (1, 1) => data.shape.iter().fold(Expr::one(), |size, n| &size * n),
                _ => data.shape.iter().fold(Expr::zero(), |sum, n| &sum + n),
            };
            room = &room + &size;
        }
        let mut all = vec![];
        for (n, most) in shape.iter().zip(known) {
            if most.is_none() {
                let (n, room) = (tasklet::Expr::Sym(n.clone()), tasklet::Expr::Sym(room.clone()));
                let message = "a result with more elements than there is room for is not supported here: nothing bounds it";
                self.check(tasklet::Expr::bin(BinOp::Le, n, room), message, span);
            }
            all.push(most.unwrap_or_else(|| room.clone()));
        }
        all
    }

    /// One container a result, and one with its real extents where data decide them.
    fn declare_results(&mut self, kinds: &[Returned], items: &[Value]) {
        for (i, (returned, item)) in kinds.iter().zip(items).enumerate() {
            let name = self.fresh(&format!("return_{i}"));
            let data = Data::array(returned.kind.dtype(), returned.most.clone(), false);
            self.sdfg.data.insert(name, data);
            self.sdfg.returns.push(name);
            if item.shape() != returned.most {
                let shape = self.fresh(&format!("return_{i}_shape"));
                let rank = Expr::int(returned.most.len() as i64);
                self.sdfg.data.insert(shape, Data::array(DType::I64, vec![rank], false));
                self.sdfg.returns.push(shape);
            }
        }
    }

    fn give_result(&mut self, i: usize, item: &Value, span: Span) -> Res<()> {
        let view_of = |s: &Self, name: Name| {
            let data = s.sdfg.data.get(&name)?;
            Some(View::full(name, data.dtype, &data.shape))
        };
        let Some(mut target) = view_of(self, Name::new(&format!("return_{i}"))) else { return Ok(()) };
        if let Some(extents) = view_of(self, Name::new(&format!("return_{i}_shape"))) {
            target.shape = item.shape();
            for (d, n) in item.shape().into_iter().enumerate() {
                let place = extents.fix_dim(0, &Expr::int(d as i64));
                self.store(&place, &Value::sym(n), span)?;
            }
        }
        self.trusting(|s| s.store(&target, item, span))
    }
}
