//! `weft worker`: lowers, compiles, links and runs for its own CPU, in a process that may die.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use weft_cpu::{Kernel, Options, Status};
use weft_ir::sdfg::{Span, Verified, verify};
use weft_ir::{DType, Name};
use weft_looptree::Program;

use crate::arrays::HostArray;
use crate::call::{bind_symbols, elements};
use crate::channel::{Channel, Payload};
use crate::client::Limits;
use crate::machine::machine;
use crate::protocol::{ArrayHeader, Emit, Failure, FailureKind, Phases, Reply, Request, VERSION};

/// Serves one connection until its end: a socket (`Some(fd)`), else stdin and stdout.
pub fn serve(socket: Option<i32>) -> io::Result<()> {
    let mut channel = match socket {
        // SAFETY: the parent opened the descriptor for us, and we take it once.
        Some(fd) => Channel::Socket(unsafe { UnixStream::from_raw_fd(fd) }),
        None => private_stdio()?,
    };
    die_first();
    watch_parent(channel.read_fd());
    // The parent is still importing the kernel. Without the thread the first compilation takes longer.
    let _ = std::thread::Builder::new().name("warm-up".into()).spawn(weft_cpu::warm_up);
    let mut worker = Server::default();
    // The parent watches over time; here one waits for as long as it takes.
    let mut patient = || Ok(());
    loop {
        let (request, payload) = match channel.receive::<Request>(&mut patient) {
            Ok(message) => message,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error),
        };
        let answer = catch_unwind(AssertUnwindSafe(|| worker.answer(request, payload)));
        let (reply, arrays) = match answer {
            Ok(Ok((reply, arguments))) => (reply, arguments.map(|id| worker.bytes(id)).unwrap_or_default()),
            Ok(Err(failure)) => (Reply::Failed(failure), vec![]),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                (
                    Reply::Failed(fail(
                        FailureKind::Internal,
                        format!("internal error in the worker: {text}"),
                    )),
                    vec![],
                )
            }
        };
        channel.send(&reply, &arrays, &mut patient)?;
    }
}

/// Where memory runs out, the system ends the worker and not the window; and a crash leaves no
/// image of the memory behind.
fn die_first() {
    // What is refused here is only less comfort.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid limit.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &none);
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

/// An argument or a result of one call.
struct Slot {
    name: Name,
    dtype: DType,
    shape: Vec<usize>,
    fortran: bool,
    /// Where the payload has its value before the call; a result has none and starts as zeros.
    offset: Option<usize>,
    written: bool,
    working: Aligned,
}

/// Arguments of one call. As they came they stay in the payload, which is the only copy beside
/// what the kernel works on. Each array has memory of its own, so that none overlaps another.
struct Arguments {
    kernel: u32,
    symbols: BTreeMap<Name, i64>,
    payload: Payload,
    slots: Vec<Slot>,
}

impl Arguments {
    /// Undoes what the kernel has written.
    fn restore(&mut self) -> Result<(), Failure> {
        for slot in self.slots.iter_mut().filter(|s| s.written) {
            match slot.offset {
                Some(offset) => self.payload.read(offset, slot.working.bytes_mut()).map_err(short)?,
                None => slot.working.bytes_mut().fill(0),
            }
        }
        Ok(())
    }
}

fn short(error: io::Error) -> Failure {
    fail(FailureKind::Internal, format!("an array is not in the payload: {error}"))
}

#[derive(Default)]
struct Server {
    kernels: Vec<Compiled>,
    arguments: BTreeMap<u32, Arguments>,
    next_arguments: u32,
}

/// The reply, and the arguments whose arrays go with it.
type Answer = Result<(Reply, Option<u32>), Failure>;

fn fail(kind: FailureKind, message: impl ToString) -> Failure {
    Failure { kind, message: message.to_string(), span: None }
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

impl Server {
    fn answer(&mut self, request: Request, payload: Payload) -> Answer {
        let reply = match request {
            Request::Hello { .. } => Reply::Hello { version: VERSION },
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
        Ok((reply, None))
    }

    /// The arrays of a call, in order.
    fn bytes(&self, arguments: u32) -> Vec<&[u8]> {
        self.arguments.get(&arguments).map_or(vec![], |a| a.slots.iter().map(|s| s.working.bytes()).collect())
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
        payload: Payload,
    ) -> Result<Reply, Failure> {
        // One set of arguments at a time: arrays can be large.
        self.arguments.clear();
        let internal = |m: &str| fail(FailureKind::Internal, m);
        let compiled = self.kernels.get(kernel as usize).ok_or_else(|| internal("no such kernel"))?;
        let sdfg = &compiled.sdfg;
        let mut headers: BTreeMap<Name, ArrayHeader> =
            headers.into_iter().map(|h| (Name::new(&h.name), h)).collect();
        let mut shapes: BTreeMap<Name, HostArray> = BTreeMap::new();
        for (&name, header) in &headers {
            let dtype = header.dtype().ok_or_else(|| internal("an unknown element type"))?;
            let (shape, fortran) = (header.shape.clone(), header.fortran);
            if size_of_array(dtype, &shape) != Some(header.bytes as u64) {
                return Err(internal("an array of the wrong length"));
            }
            shapes.insert(name, HostArray { dtype, shape, fortran, bytes: vec![] });
        }
        let known = symbols.iter().map(|(k, &v)| (Name::new(k), v)).collect();
        let guard = |e: crate::CallError| fail(FailureKind::Guard, e);
        let refs = shapes.iter().map(|(&k, v)| (k, v)).collect();
        let symbols = bind_symbols(sdfg, &known, &refs).map_err(guard)?;
        let mut planned = vec![];
        for &name in sdfg.args.iter().filter(|a| sdfg.data.contains_key(a)) {
            let header = headers.remove(&name).ok_or_else(|| internal("an array is missing"))?;
            let array = shapes.remove(&name).ok_or_else(|| internal("an array is missing"))?;
            check_strides(sdfg, name, &array, &symbols)?;
            planned.push((name, array, Some(header.offset)));
        }
        for &name in &sdfg.returns {
            let data = &sdfg.data[&name];
            let shape = elements(&data.shape, &symbols).map_err(guard)?;
            let array = HostArray { dtype: data.dtype, shape, fortran: false, bytes: vec![] };
            planned.push((name, array, None));
        }
        check_footprint(&planned)?;
        let writes = written(sdfg);
        let mut slots = vec![];
        for (name, HostArray { dtype, shape, fortran, .. }, offset) in planned {
            let bytes = size_of_array(dtype, &shape).unwrap_or(u64::MAX);
            let mut working = Aligned::zeros(bytes).ok_or_else(|| too_large(bytes))?;
            if let Some(offset) = offset {
                payload.read(offset, working.bytes_mut()).map_err(short)?;
            }
            slots.push(Slot {
                name,
                dtype,
                shape,
                fortran,
                offset,
                written: writes.contains(&name),
                working,
            });
        }
        let id = self.next_arguments;
        self.next_arguments += 1;
        self.arguments.insert(id, Arguments { kernel, symbols, payload, slots });
        Ok(Reply::Loaded { arguments: id })
    }

    /// One call on fresh arguments; its time in milliseconds.
    fn call(&mut self, id: u32) -> Result<f64, Failure> {
        let arguments =
            self.arguments.get_mut(&id).ok_or_else(|| fail(FailureKind::Internal, "no such arguments"))?;
        let compiled = &self.kernels[arguments.kernel as usize];
        arguments.restore()?;
        let pointers: Vec<*mut u8> =
            arguments.slots.iter_mut().map(|s| s.working.bytes_mut().as_mut_ptr()).collect();
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
        let mut arrays = vec![];
        let mut offset = 0;
        for slot in self.arguments.get(&id).iter().flat_map(|a| &a.slots) {
            let bytes = slot.working.bytes().len();
            arrays.push(ArrayHeader {
                name: slot.name.to_string(),
                dtype: slot.dtype.numpy().into(),
                shape: slot.shape.clone(),
                fortran: slot.fortran,
                offset,
                bytes,
            });
            offset += bytes;
        }
        Ok((Reply::Ran { arrays, ms: elapsed }, Some(id)))
    }
}

/// Bytes of an array; `None` where that is no number of the machine.
fn size_of_array(dtype: DType, shape: &[usize]) -> Option<u64> {
    shape.iter().try_fold(dtype.size() as u64, |n, &d| n.checked_mul(d as u64))
}

fn too_large(bytes: u64) -> Failure {
    let message = format!("out of memory: the arguments and results need {} MiB", bytes >> 20);
    fail(FailureKind::Memory, message)
}

/// Refuses arrays that do not fit, before any is allocated.
fn check_footprint(planned: &[(Name, HostArray, Option<usize>)]) -> Result<(), Failure> {
    let sizes = planned.iter().map(|(_, a, _)| size_of_array(a.dtype, &a.shape).unwrap_or(u64::MAX));
    let needed = sizes.fold(0u64, u64::saturating_add);
    // Small ones are not worth the look at the system's files.
    if needed > 64 << 20 && needed > Limits::of_this_machine().memory {
        return Err(too_large(needed));
    }
    Ok(())
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
pub fn written(sdfg: &weft_ir::sdfg::Sdfg) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
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

/// Zeroed bytes at a multiple of 64; large ones on huge pages, as NumPy's arrays are: with small
/// ones, walking the page table costs more than the memory (twice, on a virtual machine).
struct Aligned {
    start: std::ptr::NonNull<u8>,
    layout: std::alloc::Layout,
    length: usize,
}

const HUGE_PAGE: usize = 2 << 20;

impl Aligned {
    /// `None` where there is not that much memory.
    fn zeros(bytes: u64) -> Option<Aligned> {
        let length = usize::try_from(bytes).ok()?;
        let large = length >= 2 * HUGE_PAGE;
        let layout =
            std::alloc::Layout::from_size_align(length.max(1), if large { HUGE_PAGE } else { 64 }).ok()?;
        // SAFETY: the layout has a size; the advice is about whole pages inside the block, and a
        // refusal is harmless; the block is written in full before it is read.
        let start = unsafe {
            let start = std::ptr::NonNull::new(std::alloc::alloc(layout))?;
            if large {
                libc::madvise(start.as_ptr().cast(), length / HUGE_PAGE * HUGE_PAGE, libc::MADV_HUGEPAGE);
            }
            start.as_ptr().write_bytes(0, length);
            start
        };
        Some(Aligned { start, layout, length })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `length` initialized bytes, borrowed as long as the slice.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, once.
        unsafe { std::alloc::dealloc(self.start.as_ptr(), self.layout) }
    }
}
