//! Fetching an object: whole and right, or not at all.

use std::io;
use std::path::{Path, PathBuf};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use super::S3;
use crate::incident::acts::Act;
use crate::incident::acts::orders::Order;
use crate::incident::digest::hex;
use crate::incident::measure::Size;
use crate::incident::runbook::System;
use crate::systems::Output;
use crate::systems::wire::{self, Wrong};

/// How many bytes go by between two lines of progress.
const STRIDE: u64 = 256 << 20;

impl S3 {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        match act {
            Act::Order(order) if order.system == System::S3 && order.target == self.id => {
                self.fetch(order, out).await
            }
            other => Err(Wrong::Undone(wire::not_known(
                &self.service.on,
                other.word(),
            ))),
        }
    }

    /// Downloads an object beside where it belongs, and puts it there once all of it has come. What is there already stays.
    async fn fetch(&self, order: &Order, out: &Output) -> Result<String, Wrong> {
        let key = match order.arg("object") {
            "" => self.newest().await?,
            key => key.to_owned(),
        };
        let to = PathBuf::from(order.arg("to"));
        let part = PathBuf::from(format!("{}.part", to.display()));
        for path in [&to, &part] {
            if fs::try_exists(path).await.unwrap_or(true) {
                let what = format!("fetch: {} is there already", path.display());
                let advice = "name another file, or move it away";
                return Err(self.service.undone(what, advice));
            }
        }
        let request = self.service.client().await.get_object();
        let request = request.bucket(&self.bucket).key(&key);
        // What the object was stored with is compared by the library while it comes.
        let request = request.checksum_mode(ChecksumMode::Enabled).send();
        let object = self.service.ask("GetObject", request).await;
        let object = object.map_err(Wrong::Undone)?;
        let fetched = place(object, &part, &to, out).await;
        let (size, sum) = fetched.map_err(|why| {
            let what = format!("fetch {key} to {}: {why}", to.display());
            self.service.undone(what, "nothing was kept of it")
        })?;
        Ok(format!("{key} is {}: {size}, SHA-256 {sum}", to.display()))
    }

    async fn newest(&self) -> Result<String, Wrong> {
        let seen = self.objects().await.map_err(Wrong::Undone)?;
        let newest = super::sight(&seen).newest.map(|file| file.name);
        newest.ok_or_else(|| self.service.undone("fetch: there is no object", "name one"))
    }
}

/// Writes an object to `part`, which was not there, and from there to its place; gives its size and its SHA-256.
async fn place(
    object: GetObjectOutput,
    part: &Path,
    to: &Path,
    out: &Output,
) -> Result<(Size, String), String> {
    // Whoever made one meanwhile keeps it.
    let file = File::create_new(part).await;
    let file = file.map_err(|error| error.to_string())?;
    let written = write(object, file, out).await;
    // A link, unlike a rename, takes nobody's place.
    let placed = match written {
        Ok(written) => fs::hard_link(part, to).await.map(|()| written),
        Err(error) => Err(error),
    };
    let removed = fs::remove_file(part).await;
    let placed = placed.map_err(|error| error.to_string())?;
    removed.map_err(|error| format!("{}: {error}", part.display()))?;
    Ok(placed)
}

async fn write(
    object: GetObjectOutput,
    mut file: File,
    out: &Output,
) -> io::Result<(Size, String)> {
    let wanted = object.content_length().and_then(|n| u64::try_from(n).ok());
    let (mut hash, mut written, mut told) = (Sha256::new(), 0, 0);
    let mut body = object.body;
    while let Some(bytes) = body.try_next().await.map_err(io::Error::other)? {
        hash.update(&bytes);
        file.write_all(&bytes).await?;
        written += bytes.len() as u64;
        if written >= told + STRIDE {
            told = written;
            out.line(format!("{} so far", Size(written)));
        }
    }
    if wanted.is_some_and(|wanted| wanted != written) {
        return Err(io::Error::other(format!("it ended after {written} bytes")));
    }
    file.sync_all().await?;
    Ok((Size(written), hex(hash.finalize())))
}
