//! What several tests need: folders of their own, the built programs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// The repository.
pub(crate) fn repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A folder that goes away with its owner.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// A new, empty one.
    pub(crate) fn new(name: &str) -> TempDir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("xunjian-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        TempDir(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program of this build, in the same profile as this test.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = env::current_exe().unwrap().parent().unwrap().parent().unwrap().join(name);
    assert!(
        path.exists(),
        "{} is not built: `cargo build --workspace` in the same profile first",
        path.display()
    );
    path
}
