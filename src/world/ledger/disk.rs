//! The few things a journal does to a disk, as a seam: what can fail there must be seen to fail in a test.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// A disk.
pub trait Disk: Send + Sync {
    /// Makes a new file to append to, for its owner only.
    ///
    /// # Errors
    /// Also when the name is taken.
    fn create(&self, path: &Path) -> io::Result<File>;

    /// Appends some of `bytes`, at least one; returns how many.
    ///
    /// # Errors
    /// What the disk says.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize>;

    /// Returns when the file's data are on disk (`fdatasync`).
    ///
    /// # Errors
    /// After one of these nothing is known of what was written, and a second try may succeed falsely.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Returns when the names in a folder are on disk.
    ///
    /// # Errors
    /// What the disk says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        let flags = OFlags::RDWR
            | OFlags::CREATE
            | OFlags::EXCL
            | OFlags::APPEND
            | OFlags::NOFOLLOW
            | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(File::from(fd))
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(dir, flags, Mode::empty())?;
        Ok(rustix::fs::fsync(fd)?)
    }
}

/// Opens a file that is there to append to and read from; a link is refused.
///
/// # Errors
/// What the disk says.
pub fn reopen(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// Opens a file for reading; a link is refused.
///
/// # Errors
/// What the disk says.
pub fn look(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// Writes all of `bytes` and syncs them: short writes and interruptions are gone on with.
///
/// # Errors
/// The first that is neither.
pub fn write_synced(disk: &dyn Disk, file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    disk.sync(file)
}

/// Puts a whole file in place: a temporary one beside it, synced, renamed, the folder synced. A reader sees the old
/// file or the new one, whole.
///
/// # Errors
/// What the disk says; the old file stands then, or the new one whose name may not survive a power loss.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let temporary = dir.join(format!(
        ".{}.{}",
        name.to_string_lossy(),
        std::process::id()
    ));
    let written = disk
        .create(&temporary)
        .and_then(|file| write_synced(disk, &file, bytes))
        .and_then(|()| std::fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    disk.sync_dir(dir)
}
