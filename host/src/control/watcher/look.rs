//! A look at the inputs of a load: what lies at each path now.
//!
//! In: paths, with what an earlier look found there. Out: what is found now, the folder entries that lead
//! there, and the folders and files to get events of. A file is read again only if its identity, size or
//! times have changed, or may have been too coarse to show a change. A file system that does not answer
//! delays a look by [`PATIENCE`] once, and its files keep the state that they had.
//! Not here: what follows from a change (`watching`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::file_events::Identity;
use super::links::entries_leading_to;
use linemill_config::{Content, Files, Input, Question, Sighting, Stamp};

/// How long file systems may take to answer, all together.
const PATIENCE: Duration = Duration::from_secs(1);
/// The coarsest file times are those of FAT, two seconds. A file whose stamp has been the same for longer
/// than this is not read to find out whether it has changed.
const COARSE: Duration = Duration::from_secs(3);

/// Something to look at.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) input: Input,
    /// What is known of it.
    pub(super) known: Option<Known>,
}

/// What an earlier look, or the load, found.
#[derive(Debug, Clone)]
pub(super) struct Known {
    content: Content,
    stamp: Stamp,
    /// When this stamp was seen first, and the content read last.
    since: Instant,
    read: Instant,
}

/// What a look found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// `None` if that is not known: the file system does not answer, or the system lacks resources.
    pub(super) content: Option<Content>,
    pub(super) known: Option<Known>,
    /// The folder entries that lead to the path; empty if the file system does not answer.
    pub(super) entries: Vec<PathBuf>,
    /// The folders of these, and the file, as far as they exist.
    pub(super) places: BTreeMap<PathBuf, Identity>,
}

impl Known {
    /// What a load found; `None` if it did not read a file.
    pub(super) fn of(input: &Input) -> Option<Self> {
        let now = Instant::now();
        Some(Self {
            content: input.content.clone(),
            stamp: input.stamp?,
            since: now,
            read: now,
        })
    }

    /// The identity, size and times that the file had.
    pub(super) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// The content of a file with this stamp, if it need not be read.
    fn content_of(&self, stamp: &Stamp) -> Option<&Content> {
        let is_reliable = self.read.duration_since(self.since) > COARSE;
        (self.stamp == *stamp && is_reliable).then_some(&self.content)
    }
}

/// Looks at `targets`. Blocks, but no longer than file systems that do not answer may.
pub(super) fn look(targets: Vec<Target>) -> BTreeMap<PathBuf, Found> {
    let files = Files::within(PATIENCE);
    let mut folders = BTreeMap::<PathBuf, Vec<Target>>::new();
    for target in targets {
        let folder = target.path.parent().unwrap_or(Path::new("")).to_owned();
        folders.entry(folder).or_default().push(target);
    }
    let mut all = BTreeMap::new();
    for (folder, targets) in folders {
        let paths: Vec<_> = targets.iter().map(|target| target.path.clone()).collect();
        // Files of one folder are usually on one file system.
        let found = files.ask(&folder, move || {
            let found = targets.iter().map(find);
            found.collect::<Vec<_>>()
        });
        let found = found.unwrap_or_else(|_| vec![Found::default(); paths.len()]);
        all.extend(paths.into_iter().zip(found));
    }
    all
}

fn find(target: &Target) -> Found {
    let entries = entries_leading_to(&target.path);
    let mut places = BTreeMap::new();
    let folders = entries.iter().filter_map(|entry| entry.parent());
    for place in folders.chain(entries.last().map(PathBuf::as_path)) {
        if let Some(Sighting::Found(stamp)) = Sighting::of(place) {
            places.insert(place.to_owned(), stamp.identity());
        }
    }
    if matches!(target.input.question, Question::List(_)) {
        // Names may appear in the folder itself.
        if let Some(Sighting::Found(stamp)) = Sighting::of(&target.path)
            && let Ok(folder) = target.path.canonicalize()
        {
            places.insert(folder, stamp.identity());
        }
        return Found {
            content: target.input.look(&target.path),
            known: None,
            entries,
            places,
        };
    }
    let (content, known) = match Sighting::of(&target.path) {
        None => (None, target.known.clone()),
        Some(Sighting::Not(content)) => (Some(content), None),
        Some(Sighting::Found(stamp)) => read(target, stamp),
    };
    Found {
        content,
        known,
        entries,
        places,
    }
}

/// The content of a file with this stamp.
fn read(target: &Target, stamp: Stamp) -> (Option<Content>, Option<Known>) {
    let known = target.known.as_ref();
    if let Some(content) = known.and_then(|known| known.content_of(&stamp)) {
        return (Some(content.clone()), target.known.clone());
    }
    let now = Instant::now();
    let content = target.input.look(&target.path);
    let known = content.clone().map(|content| Known {
        content,
        stamp,
        since: known
            .filter(|known| known.stamp == stamp)
            .map_or(now, |known| known.since),
        read: now,
    });
    (content, known)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use linemill_config::Inputs;

    use super::*;

    /// The file `path`, as a load has just read it.
    fn loaded(path: &Path) -> Target {
        let inputs = Inputs::default();
        let read = Files::recording(&inputs).read(path, 100);
        drop(read);
        let input = inputs.all().remove(path).expect("recorded");
        Target {
            path: path.to_owned(),
            known: Known::of(&input),
            input,
        }
    }

    fn content(target: &Target) -> Content {
        let found = look(vec![target.clone()]).remove(&target.path);
        found.and_then(|found| found.content).expect("an answer")
    }

    #[test]
    fn a_change_that_the_times_do_not_show_is_found_at_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        fs::write(&path, "one").expect("written");
        let mut target = loaded(&path);
        let time = fs::metadata(&path).and_then(|found| found.modified());
        let time = time.expect("a time");
        let stamp = |path: &Path| Stamp::of(&path.metadata().expect("there"));
        fs::write(&path, "two").expect("written");
        let file = fs::File::options().append(true).open(&path);
        file.and_then(|file| file.set_modified(time))
            .expect("its time is set back");
        // As if this file system had no other times.
        if let Some(known) = &mut target.known {
            known.stamp = stamp(&path);
        }
        assert_ne!(content(&target), target.input.content);
        // Later, the stamp is reliable.
        if let Some(known) = &mut target.known {
            known.read = known.since + COARSE * 2;
        }
        assert_eq!(content(&target), target.input.content);
    }

    #[test]
    fn entries_and_places_are_found_for_what_does_not_exist() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().canonicalize().expect("there");
        let target = loaded(&at.join("missing"));
        let found = look(vec![target.clone()])
            .remove(&target.path)
            .expect("found");
        assert_eq!(found.content, Some(Content::Missing));
        assert_eq!(found.entries, [at.join("missing")]);
        assert_eq!(found.places.keys().collect::<Vec<_>>(), [&at]);
        let input = target.input.clone();
        assert_eq!(input.content, Content::Missing);
    }
}
