//! What happens to the world by events, injects and hands.

use super::backup::Folder;
use super::{Way, World};
use crate::drill::happening::Happening;
use crate::incident::names::{BackupId, RegionId, TargetId};
use crate::incident::site::Target;

impl World {
    /// Something happens, at once.
    pub fn happen(&mut self, what: &Happening) {
        match what {
            Happening::Stop(target) => self.put(target, Way::Stopped),
            Happening::Hang(target) => self.put(target, Way::Hung),
            Happening::CutOff(target) => self.put(target, Way::CutOff),
            Happening::BringBack(target) => self.put(target, Way::Open),
            Happening::LoseRegion(region) => self.put_region(region, Way::CutOff),
            Happening::BringBackRegion(region) => self.put_region(region, Way::Open),
            Happening::LoseZone { region, heals_in } => {
                let until = self.at + *heals_in;
                let lost = self.of_region(region);
                let workloads = self
                    .workloads
                    .iter_mut()
                    .filter(|(id, _)| lost.contains(id));
                workloads.for_each(|(_, workload)| workload.lose_zone(until));
            }
            Happening::Lie { target, healthy } => {
                self.lies.insert(target.clone(), *healthy);
            }
            Happening::Truth(target) => {
                self.lies.remove(target);
            }
            Happening::FailNext { step, says } => {
                self.fails.insert(step.clone(), says.clone());
            }
            Happening::Traffic(percent) => self.demand = *percent,
            // Said to the participants; nothing of the site changes.
            Happening::Offline(_) => {}
            other => self.changes(other),
        }
        self.note_splits();
    }

    /// What changes data, workloads, records, secrets, backups and services.
    fn changes(&mut self, what: &Happening) {
        let at = self.at;
        match what {
            Happening::Corrupt(target) => self.spoil(target, false),
            Happening::DeleteRows(target) => self.spoil(target, true),
            Happening::PutBack(target) => self.put_back(target),
            Happening::RestoreToTime(target) => {
                let since = self.bad.get(target).map_or(at, |bad| bad.since);
                let span = self.written_until(target).saturating_sub(since);
                self.restore(target, span);
            }
            Happening::Restore { target, from } => {
                let age = self.folder_of(from).map(|folder| folder.age(at));
                let quiet = at.saturating_sub(self.written_until(target));
                self.restore(target, age.unwrap_or_default().saturating_sub(quiet));
            }
            Happening::Rejoin { target, of } => self.rejoin(target, of),
            Happening::Lag { link, behind } => {
                let to = self.site.links.iter().find(|l| l.id == *link);
                let to = to.map(|link| link.to.clone());
                if let Some(server) = to.and_then(|id| self.servers.get_mut(&id)) {
                    server.behind = *behind;
                }
            }
            Happening::Scale { target, replicas } => {
                self.workload(target, |workload| workload.scale(*replicas, at));
            }
            Happening::BadRelease(target) => self.workload(target, |w| w.release(true, at)),
            Happening::Undo(target) => self.workload(target, |w| w.release(false, at)),
            Happening::Shift {
                record,
                to,
                percent,
            } => self.shift(record, to, *percent),
            Happening::Leak(target) => {
                if let Some(secret) = self.secrets.get_mut(target) {
                    secret.leaked = Some(secret.version);
                }
            }
            Happening::Rotate(target) => {
                if let Some(secret) = self.secrets.get_mut(target) {
                    secret.rotate(at);
                }
            }
            Happening::BackupsFail { backup, since } => {
                self.folder(backup, |folder| folder.fails_since(*since));
            }
            Happening::BackupMade(backup) => self.folder(backup, |folder| folder.make(at)),
            Happening::Provider { target, works } => {
                match works {
                    true => self.failing.remove(target),
                    false => self.failing.insert(target.clone()),
                };
            }
            Happening::FallBack(target) => {
                self.fallen_back.insert(target.clone());
            }
            _ => {}
        }
    }

    pub(super) fn workload(
        &mut self,
        target: &TargetId,
        change: impl FnOnce(&mut super::workload::Workload),
    ) {
        if let Some(workload) = self.workloads.get_mut(target) {
            change(workload);
        }
    }

    fn folder(&mut self, backup: &BackupId, change: impl FnOnce(&mut Folder)) {
        let of = self.site.backups.iter().find(|b| b.id == *backup);
        let of = of.and_then(|backup| backup.of.clone());
        if let Some(folder) = of.and_then(|id| self.folders.get_mut(&id)) {
            change(folder);
        }
    }

    fn folder_of(&self, backup: &BackupId) -> Option<&Folder> {
        let of = self.site.backups.iter().find(|b| b.id == *backup)?;
        self.folders.get(of.of.as_ref()?)
    }

    /// Traffic is moved by somebody: from here on failing requests in that region are theirs to answer for.
    pub(super) fn shift(&mut self, record: &TargetId, to: &RegionId, percent: u32) {
        let at = self.at;
        if let Some(record) = self.records.get_mut(record) {
            record.shift(to, percent, at);
        }
        if percent > 0 {
            self.moved
                .entry(to.clone())
                .or_insert((at, Default::default()));
        }
    }

    fn put(&mut self, target: &TargetId, way: Way) {
        let at = self.at;
        let cut = way != Way::Open;
        if let Some(server) = self.servers.get_mut(target) {
            server.cut(at, cut);
            server.lost = match way {
                Way::Stopped => Some(server.lost.unwrap_or(at)),
                Way::Open => None,
                Way::Hung | Way::CutOff => server.lost,
            };
        }
        if let Some(cache) = self.caches.get_mut(target) {
            cache.cut = cut.then(|| cache.cut.unwrap_or(at));
            if !cut {
                self.cache_back(target);
            }
        }
        self.ways.insert(target.clone(), way);
    }

    fn put_region(&mut self, region: &RegionId, way: Way) {
        for id in &self.of_region(region) {
            self.put(id, way);
            let lost = (way == Way::CutOff).then_some(self.at);
            if let Some(server) = self.servers.get_mut(id) {
                server.lost = lost;
            }
        }
    }

    fn of_region(&self, region: &RegionId) -> Vec<TargetId> {
        let of = |target: &&Target| target.region.as_ref() == Some(region);
        let targets = self.site.targets.iter().filter(of);
        targets.map(|target| target.id.clone()).collect()
    }
}
