//! What every transformation needs: conditions that can be switched off in tests, settings, sites.

use std::collections::HashSet;

use weft_ir::Name;
use weft_ir::sdfg::{Block, BlockId, BlockKind, Node, Place, Sdfg, Verified};
use weft_ir::symbolic::{Assumptions, Truth};

use crate::{Info, ParamKind, Refusal, Setting, Settings, Site};

/// Whether a condition holds; what is not known does not hold.
pub trait Holds {
    fn holds(self) -> bool;
}

impl Holds for bool {
    fn holds(self) -> bool {
        self
    }
}

impl Holds for Truth {
    fn holds(self) -> bool {
        self.is_yes()
    }
}

#[cfg(test)]
thread_local! {
    static SWITCHED_OFF: std::cell::RefCell<Option<String>> = const { std::cell::RefCell::new(None) };
}

/// Refuses with `reason` unless the condition holds. Every condition is checked through here, so
/// that the tests can switch one off and see that the result is then wrong.
pub fn require(
    condition: &'static str,
    holds: impl Holds,
    place: Place,
    reason: impl FnOnce() -> String,
) -> Result<(), Refusal> {
    if holds.holds() {
        return Ok(());
    }
    #[cfg(test)]
    if SWITCHED_OFF.with(|c| c.borrow().as_deref() == Some(condition)) {
        return Ok(());
    }
    Err(Refusal { condition, place, reason: reason() })
}

/// Runs `f` as if the condition always held.
#[cfg(test)]
pub fn without<T>(condition: &str, f: impl FnOnce() -> T) -> T {
    SWITCHED_OFF.with(|c| *c.borrow_mut() = Some(condition.to_string()));
    let result = f();
    SWITCHED_OFF.with(|c| *c.borrow_mut() = None);
    result
}

/// A site that is not of this graph: the caller's mistake, no condition of a transformation.
pub fn no_such_site(site: &Site) -> Refusal {
    Refusal {
        condition: "shape",
        place: Place::Whole,
        reason: format!("'{}' is not a place of this graph where this fits", site.label),
    }
}

/// A parameter that does not fit: the caller's mistake, no condition of a transformation.
pub fn wrong_setting(info: &Info, name: &str, why: String) -> Refusal {
    Refusal {
        condition: "parameter",
        place: Place::Whole,
        reason: format!("parameter '{name}' of {} {why}", info.name),
    }
}

fn kind(info: &Info, name: &str) -> Result<ParamKind, Refusal> {
    let param = info.params.iter().find(|p| p.name == name);
    param.map(|p| p.kind).ok_or_else(|| wrong_setting(info, name, "does not exist".into()))
}

/// Refuses settings that the transformation does not have.
pub fn known_settings(info: &Info, settings: &Settings) -> Result<(), Refusal> {
    settings.keys().try_for_each(|name| kind(info, name).map(|_| ()))
}

/// The value of an integer parameter, or its default.
pub fn int(info: &Info, settings: &Settings, name: &str) -> Result<i64, Refusal> {
    let ParamKind::Int { default, min, max } = kind(info, name)? else {
        return Err(wrong_setting(info, name, "is not an integer".into()));
    };
    match settings.get(name) {
        None => Ok(default),
        Some(Setting::Int(value)) if (min..=max).contains(value) => Ok(*value),
        Some(Setting::Int(value)) => {
            Err(wrong_setting(info, name, format!("is {value}, which is not in {min}..={max}")))
        }
        Some(_) => Err(wrong_setting(info, name, "takes an integer".into())),
    }
}

/// The value of a list parameter, or its default; a single integer is a list of one.
pub fn ints(info: &Info, settings: &Settings, name: &str) -> Result<Vec<i64>, Refusal> {
    let ParamKind::Ints { default, min, max } = kind(info, name)? else {
        return Err(wrong_setting(info, name, "is not a list of integers".into()));
    };
    let values = match settings.get(name) {
        None => default.to_vec(),
        Some(Setting::Int(value)) => vec![*value],
        Some(Setting::Ints(values)) => values.clone(),
        Some(_) => return Err(wrong_setting(info, name, "takes a list of integers".into())),
    };
    if values.is_empty() {
        return Err(wrong_setting(info, name, "needs at least one value".into()));
    }
    match values.iter().find(|v| !(min..=max).contains(v)) {
        Some(value) => Err(wrong_setting(info, name, format!("has {value}, which is not in {min}..={max}"))),
        None => Ok(values),
    }
}

/// The value of a choice or text parameter, or its default.
pub fn text(info: &Info, settings: &Settings, name: &str) -> Result<String, Refusal> {
    let (default, among) = match kind(info, name)? {
        ParamKind::Choice { default, among } => (default, among),
        ParamKind::Text { default } => (default, &[][..]),
        _ => return Err(wrong_setting(info, name, "is not a text".into())),
    };
    let value = match settings.get(name) {
        None => default.to_string(),
        Some(Setting::Text(value)) => value.clone(),
        Some(Setting::Int(value)) => value.to_string(),
        Some(_) => return Err(wrong_setting(info, name, "takes a text".into())),
    };
    if !among.is_empty() && !among.contains(&value.as_str()) {
        return Err(wrong_setting(
            info,
            name,
            format!("is '{value}', which is none of {}", among.join(", ")),
        ));
    }
    Ok(value)
}

/// Adds what the loops around a block say about their variables.
pub fn facts_around(graph: &Sdfg, block: BlockId, facts: &mut Assumptions) {
    weft_ir::analysis::facts_around(graph, block, facts);
}

/// The site with this label.
pub fn find_site(sites: Vec<Site>, label: &str) -> Option<Site> {
    let plain = |text: &str| text.split(',').map(str::trim).collect::<Vec<_>>().join(", ");
    let wanted = plain(label);
    sites.into_iter().find(|s| plain(&s.label) == wanted)
}

/// Is the site one that the transformation offers on this graph?
pub fn same_site(graph: &Verified, site: &Site, sites: impl Fn(&Verified) -> Vec<Site>) -> Option<Site> {
    sites(graph).into_iter().find(|s| s.places == site.places)
}

/// A copy to edit; it shares all blocks with the graph.
pub fn editable(graph: &Sdfg) -> Sdfg {
    graph.clone()
}

/// The number of blocks (states, conditions, …) that use a container.
pub fn uses_of(graph: &Sdfg, data: Name) -> usize {
    let mut count = 0;
    graph.body.walk(&mut |block| count += usize::from(block_uses(block, data)));
    count
}

/// The containers that [`uses_of`] finds a use of.
pub fn used_containers(graph: &Sdfg) -> HashSet<Name> {
    let mut found = HashSet::new();
    graph.body.walk(&mut |block| match &block.kind {
        BlockKind::State(state) => {
            found.extend(
                state.nodes().filter_map(|(_, n)| if let Node::Access(d) = n { Some(*d) } else { None }),
            );
            found.extend(state.edges().filter_map(|e| Some(e.memlet.as_ref()?.data)));
        }
        BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => found.extend(cond.vars()),
        BlockKind::Conditional { branches, .. } => found.extend(branches.iter().flat_map(|(c, _)| c.vars())),
        BlockKind::Assign { value, .. } => found.extend(value.vars()),
        BlockKind::Loop { .. } | BlockKind::Break | BlockKind::Continue | BlockKind::Return => {}
    });
    found
}

/// Does the block itself, without the blocks inside, use the container?
pub fn block_uses(block: &Block, data: Name) -> bool {
    match &block.kind {
        BlockKind::State(graph) => {
            graph.nodes().any(|(_, n)| *n == Node::Access(data))
                || graph.edges().any(|e| e.memlet.as_ref().is_some_and(|m| m.data == data))
        }
        BlockKind::While { cond, .. } | BlockKind::Check { cond, .. } => cond.vars().contains(&data),
        BlockKind::Conditional { branches, .. } => branches.iter().any(|(c, _)| c.vars().contains(&data)),
        BlockKind::Assign { value, .. } => value.vars().contains(&data),
        BlockKind::Loop { .. } | BlockKind::Break | BlockKind::Continue | BlockKind::Return => false,
    }
}
