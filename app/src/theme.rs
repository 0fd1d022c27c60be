//! Every colour and size of the window, light and dark, and the fonts.

use egui::epaint::text::{FontData, FontDefinitions, FontFamily};
use egui::{Color32, CornerRadius, FontId, Margin, Stroke, TextStyle, Ui, Visuals, vec2};

/// Light or dark.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Light,
    #[default]
    Dark,
}

/// Sizes in points.
pub mod size {
    pub const BODY: f32 = 13.0;
    pub const SMALL: f32 = 11.5;
    pub const HEADING: f32 = 15.0;
    pub const MONO: f32 = 12.5;
    pub const ICON: f32 = 16.0;
    /// Height of a row of a list.
    pub const ROW: f32 = 26.0;
    /// Around the contents of a panel.
    pub const PAD: f32 = 10.0;
    pub const GAP: f32 = 8.0;
    pub const CORNER: u8 = 5;
    pub const TAB_BAR: f32 = 30.0;
    pub const TOP_BAR: f32 = 40.0;
    pub const BAR: f32 = 14.0;
    pub const DIALOG: f32 = 460.0;
    pub const PALETTE: f32 = 560.0;
    pub const WINDOW: [f32; 2] = [1440.0, 900.0];
    pub const LEAST_WINDOW: [f32; 2] = [480.0, 320.0];
}

/// One set of colours.
pub struct Colors {
    pub panel: Color32,
    pub canvas: Color32,
    pub bar: Color32,
    pub raised: Color32,
    pub hover: Color32,
    pub selected: Color32,
    pub line: Color32,
    pub text: Color32,
    pub weak: Color32,
    pub strong: Color32,
    pub accent: Color32,
    pub on_accent: Color32,
    pub good: Color32,
    pub warn: Color32,
    pub bad: Color32,
    pub code: Code,
    pub graph: Graph,
}

/// Of source text.
pub struct Code {
    pub keyword: Color32,
    pub text: Color32,
    pub number: Color32,
    pub comment: Color32,
    pub function: Color32,
    pub marked: Color32,
    pub hovered: Color32,
}

/// A fill with its border.
pub struct Pair {
    pub fill: Color32,
    pub line: Color32,
}

/// Of the boxes and curves of the graph.
pub struct Graph {
    pub state: Pair,
    pub control: Pair,
    pub scope: Pair,
    pub access: Pair,
    pub transient: Pair,
    pub tasklet: Pair,
    pub map: Pair,
    pub library: Pair,
    pub nested: Pair,
    pub statement: Pair,
    pub wire: Color32,
    pub conflict: Color32,
    pub label: Color32,
}

const fn c(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

const fn pair(fill: u32, line: u32) -> Pair {
    Pair { fill: c(fill), line: c(line) }
}

static DARK: Colors = Colors {
    panel: c(0x1a1c20),
    canvas: c(0x121417),
    bar: c(0x141619),
    raised: c(0x262a30),
    hover: c(0x2a2e35),
    selected: c(0x21395c),
    line: c(0x2b2f36),
    text: c(0xcfd4dc),
    weak: c(0x8a93a0),
    strong: c(0xf1f4f8),
    accent: c(0x5a9cf8),
    on_accent: c(0x0b1220),
    good: c(0x4cc38a),
    warn: c(0xe5a84b),
    bad: c(0xf0686c),
    code: Code {
        keyword: c(0xc592e8),
        text: c(0x98c379),
        number: c(0xd99a63),
        comment: c(0x6d7683),
        function: c(0x6cb2f0),
        marked: c(0x233a5c),
        hovered: c(0x23282f),
    },
    graph: Graph {
        state: pair(0x181b1f, 0x353b44),
        control: pair(0x15181c, 0x4a5260),
        scope: pair(0x1a2320, 0x2f4a40),
        access: pair(0x1c2c40, 0x5a9cf8),
        transient: pair(0x1a2330, 0x7489a5),
        tasklet: pair(0x302a1c, 0xcda657),
        map: pair(0x1c332a, 0x55b98c),
        library: pair(0x2b2340, 0xa585dc),
        nested: pair(0x1e1b26, 0x7d68a8),
        statement: pair(0x22262c, 0x6d7683),
        wire: c(0x77818f),
        conflict: c(0xe5a84b),
        label: c(0xa3acb9),
    },
};

static LIGHT: Colors = Colors {
    panel: c(0xfbfbfc),
    canvas: c(0xf3f4f6),
    bar: c(0xebedf0),
    raised: c(0xe9ecf0),
    hover: c(0xe4e8ee),
    selected: c(0xcfe1fb),
    line: c(0xd8dce2),
    text: c(0x2c323b),
    weak: c(0x667080),
    strong: c(0x0f141b),
    accent: c(0x1f6fe0),
    on_accent: c(0xffffff),
    good: c(0x1a8a55),
    warn: c(0xa8660a),
    bad: c(0xc9343a),
    code: Code {
        keyword: c(0x8a3fb5),
        text: c(0x3d7d2a),
        number: c(0xa8560f),
        comment: c(0x7b8592),
        function: c(0x1b62b8),
        marked: c(0xd3e4fb),
        hovered: c(0xeceff3),
    },
    graph: Graph {
        state: pair(0xfdfdfe, 0xc6ccd5),
        control: pair(0xf7f8fa, 0x9aa4b2),
        scope: pair(0xf0f8f4, 0xb4d8c6),
        access: pair(0xe3eefd, 0x2f76d9),
        transient: pair(0xf1f4f8, 0x8494a8),
        tasklet: pair(0xfdf4de, 0xb98a26),
        map: pair(0xdcf2e7, 0x2c8d62),
        library: pair(0xefe7fb, 0x7f57c2),
        nested: pair(0xf7f4fc, 0xa48fcd),
        statement: pair(0xf0f2f5, 0x8a94a2),
        wire: c(0x7d8794),
        conflict: c(0xa8660a),
        label: c(0x525c6a),
    },
};

/// The colours that are in use.
pub fn colors(ui: &Ui) -> &'static Colors {
    of(if ui.visuals().dark_mode { Mode::Dark } else { Mode::Light })
}

pub fn of(mode: Mode) -> &'static Colors {
    match mode {
        Mode::Dark => &DARK,
        Mode::Light => &LIGHT,
    }
}

/// The family of headings.
pub fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

pub fn mono(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

pub fn body(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Sets fonts and both styles; once, at the start.
pub fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::default();
    let files: [(&str, &'static [u8], FontFamily); 3] = [
        ("inter", include_bytes!("../../assets/fonts/Inter-Regular.otf"), FontFamily::Proportional),
        ("inter-strong", include_bytes!("../../assets/fonts/Inter-SemiBold.otf"), strong_family()),
        (
            "jetbrains-mono",
            include_bytes!("../../assets/fonts/JetBrainsMono-Regular.ttf"),
            FontFamily::Monospace,
        ),
    ];
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (name, bytes, family) in files {
        fonts.font_data.insert(name.into(), FontData::from_static(bytes).into());
        let list = fonts.families.entry(family).or_insert_with(|| fallback.clone());
        list.insert(0, name.into());
    }
    ctx.set_fonts(fonts);
    egui_material_icons::initialize(ctx);
    for mode in [Mode::Light, Mode::Dark] {
        let theme = if mode == Mode::Dark { egui::Theme::Dark } else { egui::Theme::Light };
        ctx.style_mut_of(theme, |style| shape(style, mode));
    }
}

pub fn choose(ctx: &egui::Context, mode: Mode) {
    ctx.set_theme(if mode == Mode::Dark { egui::Theme::Dark } else { egui::Theme::Light });
}

fn shape(style: &mut egui::Style, mode: Mode) {
    let text = [
        (TextStyle::Body, body(size::BODY)),
        (TextStyle::Button, body(size::BODY)),
        (TextStyle::Small, body(size::SMALL)),
        (TextStyle::Heading, FontId::new(size::HEADING, strong_family())),
        (TextStyle::Monospace, mono(size::MONO)),
    ];
    style.text_styles = text.into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(size::GAP, size::GAP);
    spacing.button_padding = vec2(10.0, 4.0);
    spacing.interact_size = vec2(32.0, 26.0);
    spacing.indent = 14.0;
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(6);
    spacing.tooltip_width = 480.0;
    spacing.scroll =
        egui::style::ScrollStyle { bar_width: 6.0, floating_width: 3.0, ..egui::style::ScrollStyle::thin() };
    style.visuals = visuals(mode);
    style.animation_time = 0.08;
}

fn visuals(mode: Mode) -> Visuals {
    let colors = of(mode);
    let mut v = if mode == Mode::Dark { Visuals::dark() } else { Visuals::light() };
    v.panel_fill = colors.panel;
    v.window_fill = colors.panel;
    v.window_stroke = Stroke::new(1.0, colors.line);
    v.window_corner_radius = CornerRadius::same(8);
    v.menu_corner_radius = CornerRadius::same(6);
    v.extreme_bg_color = colors.canvas;
    v.faint_bg_color = colors.hover;
    v.code_bg_color = colors.raised;
    v.hyperlink_color = colors.accent;
    v.warn_fg_color = colors.warn;
    v.error_fg_color = colors.bad;
    v.weak_text_color = Some(colors.weak);
    v.selection.bg_fill = colors.selected;
    v.selection.stroke = Stroke::new(1.0, colors.accent);
    v.indent_has_left_vline = false;
    v.collapsing_header_frame = false;
    v.striped = false;
    let all = [
        (&mut v.widgets.noninteractive, colors.panel, colors.line, colors.text),
        (&mut v.widgets.inactive, colors.raised, colors.line, colors.text),
        (&mut v.widgets.hovered, colors.hover, colors.weak, colors.strong),
        (&mut v.widgets.active, colors.selected, colors.accent, colors.strong),
        (&mut v.widgets.open, colors.hover, colors.line, colors.strong),
    ];
    for (widget, fill, line, text) in all {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = CornerRadius::same(size::CORNER);
        widget.expansion = 0.0;
    }
    v
}

/// The frame of a panel's contents.
pub fn panel_frame(ui: &Ui) -> egui::Frame {
    egui::Frame::new().fill(colors(ui).panel).inner_margin(Margin::same(size::PAD as i8))
}
