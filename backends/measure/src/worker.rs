//! `weft worker`: lowers, compiles, links and runs for its own CPU, in a process that may die.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;
use std::time::Instant;

use weft_cpu::{Kernel, Options, Status};
use weft_ir::Name;
use weft_ir::sdfg::{Span, Verified, verify};
use weft_looptree::Program;

use crate::arrays::HostArray;
use crate::call::{bind_symbols, elements};
use crate::channel::Channel;
use crate::client::{Limits, socket_from_fd};
use crate::machine::{cpu_model, machine};
use crate::protocol::{ArrayHeader, Emit, Failure, FailureKind, Phases, Reply, Request, VERSION};

/// Serves one connection until its end: a socket (`Some(fd)`), else stdin and stdout.
pub fn serve(socket: Option<i32>) -> io::Result<()> {
    let mut channel = match socket {
        // SAFETY: the parent opened the descriptor for us, and we take it once.
        Some(fd) => Channel::Socket(unsafe { socket_from_fd(fd) }),
        None => private_stdio()?,
    };
    watch_parent(channel.read_fd());
    // The parent is still importing the kernel. Without the thread the first compilation takes longer.
    let _ = std::thread::Builder::new().name("warm-up".into()).spawn(weft_cpu::warm_up);
    let mut worker = Server::default();
    loop {
        let (request, payload) = match channel.receive::<Request>() {
            Ok(message) => message,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error),
        };
        let (reply, arrays) = match worker.answer(request, payload) {
            Ok(reply) => reply,
            Err(failure) => (Reply::Failed(failure), vec![]),
        };
        let parts: Vec<&[u8]> = arrays.iter().map(Vec::as_slice).collect();
        channel.send(&reply, &parts)?;
    }
}

/// Keeps fd 1 for the protocol and points fd 1 to stderr, so that a print cannot corrupt it.
fn private_stdio() -> io::Result<Channel> {
    // SAFETY: plain descriptor calls on our own stdio; each result is checked and owned once.
    unsafe {
        let output = libc::dup(1);
        let input = libc::dup(0);
        if output < 0 || input < 0 || libc::dup2(2, 1) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Channel::Pipes { input: File::from_raw_fd(input), output: File::from_raw_fd(output) })
    }
}

/// Ends the process when the other side is gone, even in the middle of a kernel.
fn watch_parent(fd: i32) {
    let watch = move || loop {
        let mut entry = libc::pollfd { fd, events: libc::POLLRDHUP, revents: 0 };
        // SAFETY: one valid entry; `_exit` may be called from any thread.
        unsafe {
            let ready = libc::poll(&mut entry, 1, -1);
            if ready > 0 && entry.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
                libc::_exit(0);
            }
            if ready > 0 {
                libc::usleep(20_000);
            }
        }
    };
    // Without the thread a lost parent is noticed at the next request only.
    let _ = std::thread::Builder::new().name("parent-watch".into()).spawn(watch);
}

struct Compiled {
    sdfg: Verified,
    program: Program,
    kernel: Kernel,
}

/// Arguments of one call: as they came, and as the kernel works on them.
struct Arguments {
    kernel: u32,
    symbols: BTreeMap<Name, i64>,
    pristine: Vec<(Name, HostArray)>,
    /// Which of the pristine arrays the kernel writes.
    written: Vec<bool>,
    working: Vec<Aligned>,
}

#[derive(Default)]
struct Server {
    kernels: Vec<Compiled>,
    arguments: BTreeMap<u32, Arguments>,
    next_arguments: u32,
}

type Answer = Result<(Reply, Vec<Vec<u8>>), Failure>;

fn fail(kind: FailureKind, message: impl ToString) -> Failure {
    Failure { kind, message: message.to_string(), span: None }
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

impl Server {
    fn answer(&mut self, request: Request, payload: Vec<u8>) -> Answer {
        let reply = match request {
            Request::Hello { .. } => {
                Reply::Hello { version: VERSION, cpu: cpu_model(), blas: weft_rt::blas_name().to_string() }
            }
            Request::Compile { sdfg, threads, cache } => self.compile(&sdfg, threads, cache)?,
            Request::Load { kernel, symbols, arrays } => self.load(kernel, symbols, arrays, payload)?,
            Request::Run { arguments } => return self.run(arguments),
            Request::Measure { arguments, runs } => {
                let mut runs_ms = Vec::with_capacity(runs.min(1 << 20));
                for _ in 0..runs {
                    runs_ms.push(self.call(arguments)?);
                }
                Reply::Measured { runs_ms }
            }
            Request::Emit { sdfg, what } => {
                let program = lower(&read(&sdfg)?)?;
                let refused = |e: weft_cpu::Error| fail(FailureKind::Refused, e);
                Reply::Emitted {
                    text: match what {
                        Emit::Looptree => weft_looptree::print(&program),
                        Emit::Ll => weft_cpu::emit_ll(&program).map_err(refused)?,
                        Emit::Asm => weft_cpu::emit_asm(&program, &Options::default()).map_err(refused)?,
                    },
                }
            }
            Request::Machine { threads } => {
                let machine = machine(threads);
                Reply::Machine {
                    cpu: machine.cpu,
                    bandwidth_gbs: machine.bandwidth_gbs,
                    peak_gflops: machine.peak_gflops,
                }
            }
        };
        Ok((reply, vec![]))
    }

    fn compile(
        &mut self,
        text: &str,
        threads: usize,
        cache: Option<std::path::PathBuf>,
    ) -> Result<Reply, Failure> {
        let start = Instant::now();
        let sdfg = read(text)?;
        let program = lower(&sdfg)?;
        let looptree = ms(start);
        weft_rt::set_threads(threads);
        let options = Options { threads, ..Options::default() };
        let compiled = weft_cpu::compile_cached(&program, &options, cache.as_deref())
            .map_err(|e| fail(FailureKind::Refused, e))?;
        let kernel = Kernel::load(&compiled.object).map_err(|e| fail(FailureKind::Internal, e))?;
        let phases = Phases {
            looptree: Some(looptree),
            llvm: (!compiled.from_cache).then_some(compiled.phases.llvm_ms),
            link: Some(kernel.link_ms),
            ..Phases::default()
        };
        self.kernels.push(Compiled { sdfg, program, kernel });
        let kernel = self.kernels.len() as u32 - 1;
        Ok(Reply::Compiled { kernel, phases_ms: phases, from_cache: compiled.from_cache })
    }

    fn load(
        &mut self,
        kernel: u32,
        symbols: BTreeMap<String, i64>,
        headers: Vec<ArrayHeader>,
        payload: Vec<u8>,
    ) -> Result<Reply, Failure> {
        let internal = |m: &str| fail(FailureKind::Internal, m);
        let compiled = self.kernels.get(kernel as usize).ok_or_else(|| internal("no such kernel"))?;
        let mut arrays: BTreeMap<Name, HostArray> = BTreeMap::new();
        for header in headers {
            let bytes = payload.get(header.offset..).and_then(|rest| rest.get(..header.bytes));
            let (Some(bytes), Some(dtype)) = (bytes, header.dtype()) else {
                return Err(internal("a malformed array header"));
            };
            let array =
                HostArray { dtype, shape: header.shape, fortran: header.fortran, bytes: bytes.to_vec() };
            if array.len() * dtype.size() != array.bytes.len() {
                return Err(internal("an array of the wrong length"));
            }
            arrays.insert(Name::new(&header.name), array);
        }
        let known = symbols.iter().map(|(k, &v)| (Name::new(k), v)).collect();
        let guard = |e: crate::CallError| fail(FailureKind::Guard, e);
        let refs = arrays.iter().map(|(&k, v)| (k, v)).collect();
        let symbols = bind_symbols(&compiled.sdfg, &known, &refs).map_err(guard)?;
        let mut pristine = vec![];
        for &arg in compiled.sdfg.args.iter().filter(|a| compiled.sdfg.data.contains_key(a)) {
            let array = arrays.remove(&arg).ok_or_else(|| internal("an array is missing"))?;
            check_strides(&compiled.sdfg, arg, &array, &symbols)?;
            pristine.push((arg, array));
        }
        let mut needed: u64 = pristine.iter().map(|(_, a)| a.bytes.len() as u64).sum();
        let mut results = vec![];
        for &name in &compiled.sdfg.returns {
            let data = &compiled.sdfg.data[&name];
            let shape = elements(&data.shape, &symbols).map_err(guard)?;
            needed = shape
                .iter()
                .fold(data.dtype.size() as u64, |n, &d| n.saturating_mul(d as u64))
                .saturating_add(needed);
            results.push((name, data.dtype, shape));
        }
        if needed > Limits::of_this_machine().memory {
            let message = format!("the arguments and results need {} MiB, more than there is", needed >> 20);
            return Err(fail(FailureKind::Memory, message));
        }
        for (name, dtype, shape) in results {
            pristine.push((name, HostArray::zeros(dtype, shape).map_err(|e| fail(FailureKind::Memory, e))?));
        }
        let writes = written(&compiled.sdfg);
        let arguments = Arguments {
            kernel,
            symbols,
            written: pristine.iter().map(|(name, _)| writes.contains(name)).collect(),
            working: pristine.iter().map(|(_, a)| Aligned::copy_of(&a.bytes)).collect(),
            pristine,
        };
        let id = self.next_arguments;
        self.next_arguments += 1;
        // One set of arguments at a time: arrays can be large.
        self.arguments.clear();
        self.arguments.insert(id, arguments);
        Ok(Reply::Loaded { arguments: id })
    }

    /// One call on fresh arguments; its time in milliseconds.
    fn call(&mut self, id: u32) -> Result<f64, Failure> {
        let arguments =
            self.arguments.get_mut(&id).ok_or_else(|| fail(FailureKind::Internal, "no such arguments"))?;
        let compiled = &self.kernels[arguments.kernel as usize];
        for (i, (_, saved)) in arguments.pristine.iter().enumerate() {
            if arguments.written[i] {
                arguments.working[i].bytes_mut().copy_from_slice(&saved.bytes);
            }
        }
        let pointers: Vec<*mut u8> =
            arguments.working.iter_mut().map(|a| a.bytes_mut().as_mut_ptr()).collect();
        let symbols: Vec<i64> = compiled.program.symbols.iter().map(|s| arguments.symbols[s]).collect();
        let start = Instant::now();
        // SAFETY: `load` checked number, types, extents and strides of the arrays against the graph
        // that this kernel was made from, and each has memory of its own.
        let status = unsafe { compiled.kernel.call(&pointers, &symbols) };
        let elapsed = ms(start);
        match status {
            Ok(()) => Ok(elapsed),
            Err(Status::Check(id)) => {
                let info = compiled.program.checks.get(id as usize);
                Err(Failure {
                    kind: FailureKind::Check,
                    message: info.map_or_else(|| "a check failed".to_string(), |c| c.message.to_string()),
                    span: info.and_then(|c| c.span).map(|Span { start, end }| (start, end)),
                })
            }
            Err(Status::Memory) => {
                Err(fail(FailureKind::Memory, "out of memory: the kernel's temporary arrays do not fit"))
            }
            Err(Status::Guard(i)) => {
                let guard = compiled.program.guards.get(i);
                Err(fail(
                    FailureKind::Guard,
                    format!("the arguments do not fit the graph: {guard:?} does not hold"),
                ))
            }
        }
    }

    fn run(&mut self, id: u32) -> Answer {
        let elapsed = self.call(id)?;
        let arguments = &mut self.arguments.get_mut(&id).expect("called");
        let mut headers = vec![];
        let mut payload = vec![];
        let mut offset = 0;
        for ((name, array), working) in arguments.pristine.iter().zip(&mut arguments.working) {
            let bytes = working.bytes_mut().to_vec();
            headers.push(ArrayHeader {
                name: name.to_string(),
                dtype: array.dtype.numpy().into(),
                shape: array.shape.clone(),
                fortran: array.fortran,
                offset,
                bytes: bytes.len(),
            });
            offset += bytes.len();
            payload.push(bytes);
        }
        Ok((Reply::Ran { arrays: headers, ms: elapsed }, payload))
    }
}

fn read(text: &str) -> Result<Verified, Failure> {
    let sdfg =
        weft_ir::text::parse(text).map_err(|e| fail(FailureKind::Internal, format!("graph text: {e}")))?;
    verify(sdfg).map_err(|violations| {
        let list: Vec<String> = violations.into_iter().map(|v| v.message).collect();
        fail(FailureKind::Refused, format!("the graph is not valid: {}", list.join("; ")))
    })
}

fn lower(sdfg: &Verified) -> Result<Program, Failure> {
    weft_looptree::lower(sdfg).map_err(|e| fail(FailureKind::Refused, e))
}

/// Containers with a write in any state of the graph; writes of nested graphs come out through it.
pub fn written(sdfg: &weft_ir::sdfg::Sdfg) -> std::collections::BTreeSet<Name> {
    let mut found = std::collections::BTreeSet::new();
    for (_, graph) in sdfg.states() {
        for (id, node) in graph.nodes() {
            if let weft_ir::sdfg::Node::Access(data) = node
                && graph.in_edges(id).iter().any(|e| e.memlet.is_some())
            {
                found.insert(*data);
            }
        }
    }
    found
}

fn check_strides(
    sdfg: &Verified,
    name: Name,
    array: &HostArray,
    symbols: &BTreeMap<Name, i64>,
) -> Result<(), Failure> {
    for (d, (stride, actual)) in sdfg.data[&name].strides.iter().zip(array.strides()).enumerate() {
        let wanted = stride.eval(&|s| symbols.get(&s).copied()).ok();
        if array.shape[d] > 1 && !array.is_empty() && wanted != Some(actual as i64) {
            let order = if array.fortran { "Fortran" } else { "C" };
            let message = format!("'{name}' is in {order} order, and the graph was imported for another");
            return Err(fail(FailureKind::Guard, message));
        }
    }
    Ok(())
}

/// Bytes at a multiple of 64.
struct Aligned {
    lines: Vec<Line>,
    length: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Aligned {
    fn copy_of(bytes: &[u8]) -> Aligned {
        let mut aligned =
            Aligned { lines: vec![Line([0; 64]); bytes.len().div_ceil(64)], length: bytes.len() };
        aligned.bytes_mut().copy_from_slice(bytes);
        aligned
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the lines are at least `length` initialized bytes, and borrowed as long as the slice.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}
