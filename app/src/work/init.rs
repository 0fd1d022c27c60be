//! `--init FUNC`: arguments that a function of the user's makes.

use std::collections::BTreeMap;
use std::path::Path;

use weft_measure::{Given, InitError, Made, initialize};
use weft_python::Parameter;
use weft_python::spec::Written;

use super::arguments::{Arguments, as_json, from_number, kind};
use super::input::{Problem, Target};

/// Calls the function with the sizes and what `--set` gives, and hands its results to the kernel.
///
/// # Errors
/// Where it raises, needs something that is not given, or returns what the kernel does not take.
pub fn from_init(
    init: &Target,
    kernel: &Path,
    parameters: &[Parameter],
    numbers: &BTreeMap<String, Written>,
) -> Result<Arguments, Problem> {
    let (file, function) = match &init.function {
        Some(function) => (init.file.as_path(), function.clone()),
        None => (kernel, init.file.display().to_string()),
    };
    let named = numbers.iter().map(|(name, n)| (name.clone(), as_json(n))).collect();
    let made = initialize(file, &function, Given::Named(named)).map_err(|e| {
        let hint = match &e {
            InitError::Lacking { names, .. } => {
                let give: Vec<String> = names.iter().map(|n| format!("--set {n}=100")).collect();
                format!("\n  hint: give {}", give.join(" "))
            }
            _ => String::new(),
        };
        Problem::usage(format!("--init {function}: {e}{hint}"))
    })?;
    assign(&function, made, parameters, numbers)
}

/// Which value is which argument.
fn assign(
    function: &str,
    made: Made,
    parameters: &[Parameter],
    numbers: &BTreeMap<String, Written>,
) -> Result<Arguments, Problem> {
    let mut values: BTreeMap<String, (&'static str, _)> = BTreeMap::new();
    let count = made.values.len();
    if let Some(names) = made.names {
        if let Some(extra) = names.iter().find(|n| !parameters.iter().any(|p| p.name == **n)) {
            let list: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
            return Err(Problem::usage(format!(
                "--init {function}: it returns '{extra}', and the kernel has only the parameters {}",
                list.join(", ")
            )));
        }
        values.extend(names.into_iter().zip(made.values));
    } else {
        let pick = |f: &dyn Fn(&&Parameter) -> bool| -> Vec<String> {
            parameters.iter().filter(f).map(|p| p.name.clone()).collect()
        };
        let all = pick(&|_| true);
        let needed = pick(&|p| p.default.is_none());
        let open = pick(&|p| p.default.is_none() && !numbers.contains_key(&p.name));
        let chosen = [all, needed, open].into_iter().find(|names| names.len() == count);
        let chosen = chosen.ok_or_else(|| wrong_number(function, count, parameters, numbers))?;
        values.extend(chosen.into_iter().zip(made.values));
    }
    let mut arguments = Arguments::default();
    for parameter in parameters {
        let name = &parameter.name;
        if let Some((kind, value)) = values.remove(name) {
            arguments.values.push((name.clone(), kind, value));
        } else if let Some(&number) = numbers.get(name) {
            let value = from_number(number);
            arguments.values.push((name.clone(), kind(&value), value));
        } else if parameter.default.is_none() {
            return Err(Problem::usage(format!(
                "--init {function}: it returns no '{name}'; return it, or give a number with --set {name}=…"
            )));
        }
    }
    Ok(arguments)
}

fn wrong_number(
    function: &str,
    count: usize,
    parameters: &[Parameter],
    numbers: &BTreeMap<String, Written>,
) -> Problem {
    let needed: Vec<&str> = parameters
        .iter()
        .filter(|p| p.default.is_none() && !numbers.contains_key(&p.name))
        .map(|p| p.name.as_str())
        .collect();
    let values = if count == 1 { "1 value".to_string() } else { format!("{count} values") };
    Problem::usage(format!(
        "--init {function}: it returns {values}, and the kernel still needs {}: {}\n  hint: return a tuple in the \
         order of the kernel's parameters, or a dict with their names",
        needed.len(),
        if needed.is_empty() { "nothing".to_string() } else { needed.join(", ") }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_ir::sdfg::Span;

    fn parameters(names: &[&str]) -> Vec<Parameter> {
        let span = Span { start: 0, end: 0 };
        let one = |n: &&str| Parameter {
            name: n.trim_end_matches('?').to_string(),
            span,
            default: n.ends_with('?').then(|| "1".to_string()),
        };
        names.iter().map(one).collect()
    }

    fn made(count: i64, names: Option<&[&str]>) -> Made {
        Made {
            names: names.map(|n| n.iter().map(|s| s.to_string()).collect()),
            values: (0..count).map(|i| ("int", from_number(Written::Int(i)))).collect(),
        }
    }

    fn order(parameters_: &[&str], made: Made, set: &[&str]) -> Result<Vec<String>, String> {
        let numbers = set.iter().map(|n| (n.to_string(), Written::Int(100))).collect();
        let found = assign("init", made, &parameters(parameters_), &numbers).map_err(|e| e.to_string())?;
        Ok(found.values.iter().map(|(n, _, v)| format!("{n}={}", v.bytes[0])).collect())
    }

    #[test]
    fn values_find_their_parameters() {
        assert_eq!(order(&["a", "b"], made(2, None), &[]).unwrap(), ["a=0", "b=1"]);
        assert_eq!(order(&["t", "a", "b"], made(2, None), &["t"]).unwrap(), ["t=100", "a=0", "b=1"]);
        assert_eq!(order(&["a", "b", "k?"], made(2, None), &[]).unwrap(), ["a=0", "b=1"]);
        assert_eq!(order(&["a", "b"], made(2, Some(&["b", "a"])), &[]).unwrap(), ["a=1", "b=0"]);
        assert!(order(&["a", "b"], made(3, None), &[]).unwrap_err().contains("returns 3 values"));
        assert!(order(&["a", "b"], made(1, Some(&["a"])), &[]).unwrap_err().contains("no 'b'"));
        assert!(order(&["a"], made(2, Some(&["a", "x"])), &[]).unwrap_err().contains("'x'"));
    }
}
