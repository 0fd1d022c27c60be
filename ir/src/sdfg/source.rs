//! The Python text that a graph was imported from: one file, or several behind each other.

/// A place in the source: byte offsets into [`Source::text`], half-open.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

/// The Python that a graph was imported from. The modules of the user's own that the file imports
/// follow it in the same text, so that an offset says the file as well.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Source {
    /// Of the first file, as the user gave it; for display only.
    pub path: String,
    pub text: String,
    /// The other files, in the order of the text.
    pub others: Vec<SourceFile>,
}

/// A file behind the first one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    /// For display only.
    pub path: String,
    /// Where it is imported from: `helpers`, `package.part`; a leading `^` is the folder above.
    pub module: String,
    /// Is it the `__init__.py` of a package?
    pub package: bool,
    /// Offset of its first byte.
    pub start: u32,
}

impl Source {
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Source {
        Source { path: path.into(), text: text.into(), others: vec![] }
    }

    /// Puts a file behind the others.
    pub fn push(&mut self, path: impl Into<String>, module: impl Into<String>, package: bool, text: &str) {
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let start = self.text.len() as u32;
        self.others.push(SourceFile { path: path.into(), module: module.into(), package, start });
        self.text.push_str(text);
    }

    /// Path and range of every file, the first one first.
    pub fn files(&self) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
        (0..=self.others.len()).map(|i| {
            let path = if i == 0 { &self.path } else { &self.others[i - 1].path };
            (path.as_str(), self.range(i))
        })
    }

    /// Which file has this byte: 0 is the first, and the others follow.
    pub fn file_of(&self, offset: u32) -> usize {
        self.others.iter().take_while(|f| f.start <= offset).count()
    }

    /// The bytes of a file.
    pub fn range(&self, file: usize) -> std::ops::Range<usize> {
        let at = |i: usize| self.others.get(i).map_or(self.text.len(), |f| f.start as usize);
        let start = if file == 0 { 0 } else { at(file - 1) };
        start.min(self.text.len())..at(file).min(self.text.len()).max(start.min(self.text.len()))
    }

    /// The path of the file that has this byte.
    pub fn path_of(&self, offset: u32) -> &str {
        match self.file_of(offset) {
            0 => &self.path,
            n => &self.others[n - 1].path,
        }
    }

    /// Line and column in its file, both from 1, of a byte offset.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let end = (offset as usize).min(self.text.len());
        let first = self.range(self.file_of(offset)).start.min(end);
        let before = &self.text.as_bytes()[first..end];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |p| p + 1);
        (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
    }

    /// The line of the whole text, from 1, that has this byte.
    pub fn row(&self, offset: u32) -> usize {
        let end = (offset as usize).min(self.text.len());
        self.text.as_bytes()[..end].iter().filter(|&&b| b == b'\n').count() + 1
    }

    /// The line that has this byte, without its end.
    pub fn line(&self, offset: u32) -> &str {
        let end = (offset as usize).min(self.text.len());
        let bytes = self.text.as_bytes();
        let start = bytes[..end].iter().rposition(|&b| b == b'\n').map_or(0, |p| p + 1);
        let end = bytes[end..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |p| end + p);
        self.text.get(start..end).unwrap_or_default().trim_end_matches('\r')
    }

    /// `path:line:column`, as editors read it.
    pub fn place(&self, offset: u32) -> String {
        let (line, column) = self.line_column(offset);
        format!("{}:{line}:{column}", self.path_of(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_says_the_file() {
        let mut source = Source::new("a.py", "x = 1\ny = 2");
        source.push("b.py", "b", false, "z = 3\n");
        source.push("c/__init__.py", "c", true, "");
        let at = source.text.find("= 3").expect("there") as u32;
        assert_eq!((source.place(at), source.line(at)), ("b.py:1:3".into(), "z = 3"));
        assert_eq!((source.place(8), source.line(8)), ("a.py:2:3".into(), "y = 2"));
        assert_eq!(source.place(9999), "c/__init__.py:1:1");
        let files: Vec<&str> = source.files().map(|(_, range)| &source.text[range]).collect();
        assert_eq!(files, ["x = 1\ny = 2\n", "z = 3\n", ""]);
    }
}
