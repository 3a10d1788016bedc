//! What the markup may see: itself, the files it was given, the fonts. Facts: the `World` trait of typst 0.15.

use std::collections::BTreeMap;

use typst::{
    Library, LibraryExt, World,
    diag::{FileError, FileResult},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

/// A world that lies wholly in memory.
pub(crate) struct Memory {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: Source,
    files: BTreeMap<String, Bytes>,
    today: Datetime,
}

impl Memory {
    pub(crate) fn new(
        markup: &str,
        files: &BTreeMap<String, Vec<u8>>,
        fonts: Vec<Font>,
        today: Datetime,
    ) -> Memory {
        let path = VirtualPath::new("main.typ").expect("a plain file name is a valid path");
        let main = FileId::new(RootedPath::new(VirtualRoot::Project, path));
        Memory {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            main: Source::new(main, markup.to_owned()),
            files: files
                .iter()
                .map(|(name, content)| (name.clone(), Bytes::new(content.clone())))
                .collect(),
            today,
        }
    }
}

impl World for Memory {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() { Ok(self.main.clone()) } else { Err(FileError::NotSource) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let path = id.get();
        if !matches!(path.root(), VirtualRoot::Project) {
            return Err(FileError::AccessDenied);
        }
        let name = path.vpath().get_without_slash();
        self.files.get(name).cloned().ok_or_else(|| FileError::NotFound(name.into()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        Some(self.today)
    }
}
