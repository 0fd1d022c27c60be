//! The window without a display: labels and roles are looked up, keys pressed, pictures compared.

use std::path::Path;
use std::time::{Duration, Instant};

use egui::{Key, Modifiers, Vec2, vec2};
use egui_kittest::{Harness, SnapshotOptions, kittest::Queryable};
use weft_ir::sdfg::Place;

use super::*;
use crate::state::Remembered;
use crate::theme::Mode;

type Test = Harness<'static, Option<Window>>;

/// A window on a sample, after all that goes on in the background at the start.
fn window(sample: &str, mode: Mode, size: Vec2) -> Test {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(sample);
    let theme = if mode == Mode::Dark { egui::Theme::Dark } else { egui::Theme::Light };
    let mut test =
        Harness::builder().with_size(size).with_pixels_per_point(1.0).with_theme(theme).build_ui_state(
            move |ui, window: &mut Option<Window>| match window {
                Some(window) => window.frame(ui),
                None => {
                    let remembered = Remembered { mode, ..Remembered::default() };
                    let mut new = Window::new(ui.ctx(), remembered, Instant::now());
                    new.runner.state.threads = 2;
                    new.runner.open(Target { file: file.clone(), function: None });
                    *window = Some(new);
                }
            },
            None,
        );
    settle(&mut test);
    test
}

fn state(test: &Test) -> &crate::state::State {
    &test.state().as_ref().expect("a window").runner.state
}

fn document(test: &Test) -> &crate::state::Document {
    state(test).document.as_ref().expect("a document")
}

/// Frames until nothing runs any more.
fn settle(test: &mut Test) {
    let start = Instant::now();
    let idle = |test: &Test| {
        let Some(window) = test.state() else { return false };
        let state = &window.runner.state;
        let ready = state.document.as_ref().is_none_or(|d| {
            d.version().offers.complete && d.version().picture.as_ref().is_some_and(|p| p.0 == d.folds)
        });
        state.opening.is_none() && state.activities.is_empty() && ready
    };
    let mut calm = 0;
    while calm < 12 {
        test.step();
        calm = if idle(test) { calm + 1 } else { 0 };
        assert!(start.elapsed() < Duration::from_secs(60), "the window does not come to rest");
        if calm == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn snapshot(test: &mut Test, name: &str) {
    if let Some(window) = test.state_mut() {
        window.runner.state.toasts.clear();
    }
    test.run_steps(4);
    // Blessed on two software renderers; one changed letter is more than this.
    let options = SnapshotOptions::new().threshold(0.8).max_failed_pixels(40);
    test.snapshot_options(name, &options);
}

const SIZE: Vec2 = vec2(1280.0, 800.0);

#[test]
fn the_main_window_in_dark() {
    let mut test = window("jacobi_2d.py", Mode::Dark, SIZE);
    snapshot(&mut test, "main_dark");
}

#[test]
fn the_main_window_in_light() {
    let mut test = window("jacobi_2d.py", Mode::Light, SIZE);
    snapshot(&mut test, "main_light");
}

#[test]
fn a_map_is_selected_and_its_transformations_are_listed() {
    let mut test = window("jacobi_2d.py", Mode::Dark, SIZE);
    test.get_by_label_contains("map m_0 [").click();
    settle(&mut test);
    assert!(matches!(document(&test).selection[..], [Place::Map(_)]));
    test.get_by_label("For the selection");
    let all = document(&test).version().offers.list.len();
    let fitting = document(&test).fitting().len();
    assert!(fitting > 0 && fitting < all, "{fitting} of {all}");
    test.get_by_label("MapTiling m_0").click();
    settle(&mut test);
    test.get_by_label("Apply");
    snapshot(&mut test, "selected_map");
}

#[test]
fn a_refusal_says_why() {
    let mut test = window("jacobi_2d.py", Mode::Dark, SIZE);
    let refused = document(&test).fitting().into_iter().find(|o| o.verdict.is_err()).expect("a refusal");
    let (name, at) = refused.key();
    let reason = refused.verdict.clone().expect_err("refused").reason;
    let window_ = test.state_mut().as_mut().expect("a window");
    window_.runner.run(Command::Filter(at.clone()));
    window_.runner.run(Command::Detail(name, at));
    settle(&mut test);
    test.get_by_label(&format!("Cannot be done: {reason}"));
    snapshot(&mut test, "refusal");
}

#[test]
fn what_is_not_imported_says_why() {
    let mut test = window("../app/tests/kernels/left_out.py", Mode::Dark, SIZE);
    test.get_by_label("line 9").click();
    settle(&mut test);
    assert!(matches!(document(&test).selection[..], [Place::Block(_)]));
    test.get_by_label("Not imported");
    test.get_by_label_contains("np.frombuffer is not supported");
    snapshot(&mut test, "left_out");
}

#[test]
fn the_palette_finds_commands() {
    let mut test = window("jacobi_2d.py", Mode::Light, SIZE);
    test.key_press_modifiers(Modifiers::COMMAND, Key::P);
    test.step();
    test.event(egui::Event::Text("simpl".into()));
    test.run_steps(3);
    snapshot(&mut test, "palette");
    test.key_press(Key::Enter);
    settle(&mut test);
    assert!(state(&test).palette.is_none());
    assert_eq!(document(&test).version().label, "Simplify");
}

#[test]
fn steps_are_undone_and_done_again() {
    let mut test = window("jacobi_2d.py", Mode::Dark, SIZE);
    test.key_press(Key::S);
    settle(&mut test);
    assert_eq!(document(&test).current, 1);
    let steps = document(&test).recipe(1);
    assert!(!steps.0.is_empty());
    test.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    settle(&mut test);
    assert_eq!((document(&test).current, document(&test).redo.len()), (0, 1));
    test.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    settle(&mut test);
    assert_eq!((document(&test).current, document(&test).redo.len()), (1, 0));
    // Simplifying once more finds nothing; no version is added.
    test.key_press(Key::S);
    settle(&mut test);
    assert_eq!(document(&test).versions.len(), 2);
    // Applying through the interface: the selection follows the forwarding.
    let offer = document(&test).fitting()[0].key();
    let window_ = test.state_mut().as_mut().expect("a window");
    window_.runner.run(Command::Filter(offer.0.clone()));
    window_.runner.run(Command::Detail(offer.0, offer.1));
    settle(&mut test);
    test.get_by_label("Apply").click();
    settle(&mut test);
    assert_eq!(document(&test).current, 2);
    // Undo and apply again: the same version, not a twin.
    test.get_by_label_contains("Simplify 1").click();
    settle(&mut test);
    assert_eq!(document(&test).current, 1);
}

#[test]
fn a_line_of_the_source_selects_what_came_from_it() {
    let mut test = window("jacobi_2d.py", Mode::Dark, SIZE);
    test.get_by_label("line 12").click();
    settle(&mut test);
    assert!(document(&test).selection.len() > 1);
    test.key_press(Key::Escape);
    settle(&mut test);
    assert!(document(&test).selection.is_empty());
}

#[test]
fn folding_hides_and_shows() {
    let mut test = window("jacobi_2d.py", Mode::Dark, SIZE);
    let before = document(&test).picture().expect("a picture").items.len();
    let window_ = test.state_mut().as_mut().expect("a window");
    window_.runner.run(Command::Do(crate::commands::Action::FoldAll));
    settle(&mut test);
    assert!(document(&test).picture().expect("a picture").items.len() < before);
    let window_ = test.state_mut().as_mut().expect("a window");
    window_.runner.run(Command::Do(crate::commands::Action::UnfoldAll));
    settle(&mut test);
    assert_eq!(document(&test).picture().expect("a picture").items.len(), before);
}

#[test]
fn every_sample_opens_at_every_size() {
    for size in [vec2(1.0, 1.0), vec2(60.0, 40.0), vec2(900.0, 500.0)] {
        drop(window("cholesky.py", Mode::Light, size));
    }
    for sample in ["fdtd_2d.py", "lstsqr.py", "go_fast.py"] {
        let test = window(sample, Mode::Dark, SIZE);
        assert!(!document(&test).picture().expect("a picture").items.is_empty());
    }
}

#[test]
fn what_cannot_be_opened_is_said() {
    let test = window("no_such_file.py", Mode::Dark, SIZE);
    assert!(state(&test).document.is_none());
    test.get_by_label("no_such_file.py is not imported");
    let test = window("README.md", Mode::Light, vec2(400.0, 300.0));
    assert!(state(&test).refused.is_some());
}

#[test]
fn a_step_that_cannot_be_done_changes_nothing() {
    let mut test = window("jacobi_2d.py", Mode::Dark, SIZE);
    let step = weft_transforms::Step {
        transform: "MapFusion".into(),
        at: "nowhere".into(),
        params: Default::default(),
    };
    test.state_mut().as_mut().expect("a window").runner.run(Command::Apply(step));
    settle(&mut test);
    assert_eq!(document(&test).versions.len(), 1);
    assert_eq!(state(&test).toasts.back().expect("a message").kind, crate::state::ToastKind::Bad);
}

/// A window on a file of its own in a temporary folder.
fn watching(name: &str, text: &str) -> (Test, std::path::PathBuf) {
    let folder = std::env::temp_dir().join(format!("weft-window-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("k.py");
    std::fs::write(&file, text).expect("written");
    let opened = file.clone();
    let mut test = Harness::builder().with_size(SIZE).with_pixels_per_point(1.0).build_ui_state(
        move |ui, window: &mut Option<Window>| match window {
            Some(window) => window.frame(ui),
            None => {
                let mut new = Window::new(ui.ctx(), Remembered::default(), Instant::now());
                new.runner.state.threads = 1;
                let set = [("N".to_string(), weft_python::spec::Written::Int(64))].into();
                let inputs = crate::work::Inputs { set, ..Default::default() };
                new.runner.launch(Target { file: opened.clone(), function: None }, inputs, true);
                *window = Some(new);
            }
        },
        None,
    );
    settle(&mut test);
    (test, file)
}

#[test]
fn problems_are_listed_and_lead_to_their_lines() {
    let text = "def k(x: 'dace.float64[N]'):\n    y = open(x)\n    z = print2(x)\n    return x\n";
    let (mut test, file) = watching("problems", &format!("import dace\n{text}"));
    assert_eq!(state(&test).refused.as_ref().expect("refused").diagnostics.len(), 2);
    test.get_by_label_contains("Problem 2:").click();
    settle(&mut test);
    assert_eq!(state(&test).refused.as_ref().expect("refused").shown, Some(1));
    test.get_by_label("line 3").click();
    settle(&mut test);
    assert_eq!(state(&test).refused.as_ref().expect("refused").shown, Some(0));
    std::fs::remove_dir_all(file.parent().expect("a folder")).expect("removed");
}

#[test]
fn a_saved_file_is_imported_again_with_its_steps() {
    let text = |body: &str| format!("import dace\ndef k(x: 'dace.float64[N]'):\n    return {body}\n");
    let (mut test, file) = watching("watch", &text("x + 1.0"));
    let step = weft_transforms::Step {
        transform: "MapTiling".into(),
        at: "m_0".into(),
        params: [("sizes".to_string(), weft_transforms::Setting::Ints(vec![8]))].into(),
    };
    test.state_mut().as_mut().expect("a window").runner.run(Command::Apply(step));
    settle(&mut test);
    assert_eq!(document(&test).current, 1);
    let mut save = |body: &str, done: &dyn Fn(&Test) -> bool| {
        let before = state(&test).document.as_ref().map(|d| d.id);
        std::fs::write(&file, text(body)).expect("written");
        let start = Instant::now();
        while state(&test).document.as_ref().map(|d| d.id) == before || !done(&test) {
            assert!(start.elapsed() < Duration::from_secs(60), "nothing happened");
            test.step();
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    save("x + 22.0", &|test| document(test).current == 1);
    // What is refused waits for the next save, with the steps kept.
    save("open(x)", &|test| state(test).refused.is_some());
    save("x * 2.0", &|test| state(test).document.is_some());
    settle(&mut test);
    assert_eq!(document(&test).current, 1);
    assert!(document(&test).version().label.starts_with("MapTiling"));
    std::fs::remove_dir_all(file.parent().expect("a folder")).expect("removed");
}
