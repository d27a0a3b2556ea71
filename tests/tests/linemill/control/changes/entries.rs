//! Ways to change a file. Each is tried on the configuration, on a plugin and on a certificate.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use linemill_tests::skip;

use super::site::{Mount, Site, Skipped, Subject, run};

/// A way to change a file.
type Way = fn(&mut Site) -> Result<(), Skipped>;

/// Editors, scripts and tools that deploy.
const WAYS: &[(&str, Way)] = &[
    ("written in place", written_in_place),
    ("truncated, then written", truncated_then_written),
    ("in place, same size and time", same_size_and_time),
    ("renamed over", renamed_over),
    ("moved to a backup, then written", moved_to_a_backup),
    ("by rsync", by_rsync),
    ("by rsync in place", by_rsync_in_place),
    ("by git checkout", by_git_checkout),
    ("as Kubernetes does", as_kubernetes_does),
    ("removed, later created", removed_then_created),
    ("unreadable for a while", unreadable_for_a_while),
    ("another hard link put in place", hard_link_put_in_place),
    ("written by another name", written_by_another_name),
    ("written, and kept open", written_and_kept_open),
    ("folder moved, another created", folder_moved_and_created),
    ("folder removed and created", folder_removed_and_created),
    (
        "folder moved away and back, then written",
        folder_moved_and_back,
    ),
    (
        "folder's folder moved, another created",
        parent_moved_and_created,
    ),
    ("folder's folder replaced", parent_replaced),
    ("folder is a link, retargeted", folder_link_retargeted),
    ("link retargeted", link_retargeted),
    ("link's target written", link_target_written),
    ("link in the middle of a chain retargeted", chain_retargeted),
    ("dangling link's target created", dangling_target_created),
    ("dangling link's folder created", dangling_folder_created),
    ("mounted file written", mounted_file_written),
    ("folder mounted over", folder_mounted_over),
];

/// What needs no events of the system.
const POLLED: &[&str] = &[
    "written in place",
    "in place, same size and time",
    "renamed over",
    "as Kubernetes does",
    "folder removed and created",
    "dangling link's folder created",
    "mounted file written",
];

fn all(subject: Subject, watch: &'static str, is_tried: impl Fn(&str) -> bool) {
    let mut site = Site::new(subject, watch);
    for (what, way) in WAYS.iter().filter(|(what, _)| is_tried(what)) {
        if let Err(why) = way(&mut site) {
            skip(what, &why);
        }
        let content = site.content();
        site.tidy(&content);
    }
}

#[test]
fn every_change_of_the_configuration_is_noticed() {
    all(Subject::Config, "auto", |_| true);
}

#[test]
fn every_change_of_a_plugin_is_noticed() {
    all(Subject::Plugin, "auto", |_| true);
}

#[test]
fn every_change_of_a_certificate_is_noticed() {
    all(Subject::Certificate, "auto", |_| true);
}

#[test]
fn polling_notices_changes() {
    all(Subject::Config, "poll", |what| POLLED.contains(&what));
}

/// A file whose times change, but not its content, is not loaded again.
#[test]
fn a_touch_changes_nothing() {
    let mut site = Site::new(Subject::Plugin, "auto");
    let before = site.unchanged();
    let file = File::options().append(true).open(site.file());
    let now = std::time::SystemTime::now();
    file.and_then(|file| file.set_modified(now))
        .expect("touched");
    let same = site.present();
    fs::write(site.file(), &same).expect("written");
    // Whatever happens because of that happens before this is noticed.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let content = site.content();
    site.change("written", |site| write(&site.file(), &content));
    assert_eq!(site.unchanged(), before);
}

/// The lower layer of an overlay changes without events, as a network file system does.
#[test]
fn a_file_system_that_reports_nothing_is_looked_at() {
    let mut site = Site::new(Subject::Config, "auto");
    let content = site.content();
    let folder = site.folder();
    for name in ["other-lower", "other-upper", "other-work"] {
        fs::create_dir(site.at(name)).expect("new");
    }
    let lower = site.at("other-lower").join("linemill.toml");
    fs::write(&lower, site.present()).expect("written");
    let at = |name: &str| site.at(name).display().to_string();
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        at("other-lower"),
        at("other-upper"),
        at("other-work")
    );
    // Overlays cannot be stacked on every file system.
    let mounted = Mount::new(&["-t", "overlay", "overlay", "-o", &options], &folder);
    let mounted = match mounted {
        Ok(mounted) => mounted,
        Err(why) => return skip("a file system without events", &why),
    };
    // The host has noticed the mount once it has looked at all files.
    std::thread::sleep(std::time::Duration::from_secs(4));
    site.change("lower layer written", |_| write(&lower, &content));
    site.expect_log("the file system reports no changes");
    drop(mounted);
}

fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).expect("written");
}

fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).expect("renamed");
}

/// Makes `link` lead to `target`, by a rename.
fn retarget(link: &Path, target: &Path) {
    let new = link.with_file_name(".new-link");
    symlink(target, &new).expect("a link");
    rename(&new, link);
}

fn written_in_place(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("in place", |site| write(&site.file(), &content));
    Ok(())
}

fn truncated_then_written(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("truncated", |site| {
        drop(File::create(site.file()).expect("truncated"));
        write(&site.file(), &content);
    });
    Ok(())
}

/// As `cp -p` or a restored backup. Only the time of the change of the inode tells.
fn same_size_and_time(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("same time", |site| {
        let before = fs::metadata(site.file()).and_then(|found| found.modified());
        write(&site.file(), &content);
        let file = File::options().append(true).open(site.file());
        file.and_then(|file| file.set_modified(before?))
            .expect("its time is set back");
    });
    Ok(())
}

fn renamed_over(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("renamed", |site| {
        let new = site.folder().join(".new");
        write(&new, &content);
        rename(&new, &site.file());
    });
    Ok(())
}

/// As vim does.
fn moved_to_a_backup(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("backup", |site| {
        let backup = site.folder().join("backup~");
        rename(&site.file(), &backup);
        write(&site.file(), &content);
        fs::remove_file(backup).expect("removed");
    });
    Ok(())
}

fn by_rsync(site: &mut Site) -> Result<(), Skipped> {
    rsync(site, &[])
}

fn by_rsync_in_place(site: &mut Site) -> Result<(), Skipped> {
    rsync(site, &["--inplace"])
}

fn rsync(site: &mut Site, options: &[&str]) -> Result<(), Skipped> {
    run("rsync", &["--version"])?;
    let content = site.content();
    let source = site.at("other-source");
    fs::create_dir(&source).expect("new");
    let name = site.file();
    let name = name.file_name().expect("a name");
    write(&source.join(name), &content);
    let (from, to) = (format!("{}/", source.display()), site.folder());
    let to = to.display().to_string();
    let args = [options, &["--archive", "--checksum", &from, &to]].concat();
    site.change("rsync", |_| run("rsync", &args).expect("copied"));
    Ok(())
}

fn by_git_checkout(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let folder = site.at("top").display().to_string();
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        run("git", &[&["-C", &folder], &identity[..], args].concat())
    };
    let before = site.present();
    git(&["init", "--quiet", "--initial-branch=one"])?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--message=one"])?;
    git(&["switch", "--quiet", "--create=two"])?;
    // Both versions are stored while the file itself stays as it is.
    let blob = site.at("top").join("blob");
    write(&blob, &content);
    let path = site.file();
    let path = path.strip_prefix(site.at("top")).expect("below it");
    let index = format!(
        "cd {folder} && git update-index --cacheinfo 100644,$(git hash-object -w blob),{}",
        path.display()
    );
    run("sh", &["-c", &index])?;
    git(&["commit", "--quiet", "--message=two"])?;
    git(&["symbolic-ref", "HEAD", "refs/heads/one"])?;
    git(&["reset", "--quiet"])?;
    assert_eq!(site.present(), before);
    site.change("checkout", |_| {
        git(&["checkout", "--quiet", "two"]).expect("checked out");
    });
    Ok(())
}

/// The name of the file leads through a link to a folder, which is replaced by a rename.
fn as_kubernetes_does(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let (folder, file) = (site.folder(), site.file());
    let name = file.file_name().expect("a name");
    fs::create_dir(folder.join("..v1")).expect("new");
    write(&folder.join("..v1").join(name), &site.present());
    symlink("..v1", folder.join("..data")).expect("a link");
    retarget(&file, &Path::new("..data").join(name));
    site.change("volume", |_| {
        fs::create_dir(folder.join("..v2")).expect("new");
        write(&folder.join("..v2").join(name), &content);
        retarget(&folder.join("..data"), Path::new("..v2"));
        fs::remove_dir_all(folder.join("..v1")).expect("removed");
    });
    Ok(())
}

fn removed_then_created(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    fs::remove_file(site.file()).expect("removed");
    site.expect_difference();
    site.change("created", |site| write(&site.file(), &content));
    Ok(())
}

fn unreadable_for_a_while(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let mode = |mode| fs::set_permissions(site.file(), fs::Permissions::from_mode(mode));
    mode(0o000).expect("its mode is set");
    if File::open(site.file()).is_ok() {
        mode(0o600).expect("its mode is set");
        return Err("this user may read everything".to_owned());
    }
    site.expect_difference();
    site.change("readable", |site| {
        mode(0o600).expect("its mode is set");
        write(&site.file(), &content);
    });
    Ok(())
}

fn hard_link_put_in_place(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("hard link", |site| {
        let other = site.at("other-file");
        write(&other, &content);
        fs::remove_file(site.file()).expect("removed");
        fs::hard_link(other, site.file()).expect("linked");
    });
    Ok(())
}

fn written_by_another_name(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let other = site.at("other-name");
    fs::hard_link(site.file(), &other).expect("linked");
    site.change("another name", |_| write(&other, &content));
    Ok(())
}

fn written_and_kept_open(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let mut kept = None;
    site.change("kept open", |site| {
        let file = OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(site.file());
        let mut file = file.expect("opened");
        file.write_all(&content).expect("written");
        kept = Some(file);
    });
    drop(kept);
    Ok(())
}

fn folder_moved_and_created(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("folder moved", |site| {
        rename(&site.folder(), &site.at("other-folder"));
        fs::create_dir(site.folder()).expect("new");
        write(&site.file(), &content);
    });
    let content = site.content();
    site.change("then written", |site| write(&site.file(), &content));
    Ok(())
}

fn folder_removed_and_created(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("folder removed", |site| {
        fs::remove_dir_all(site.folder()).expect("removed");
        fs::create_dir(site.folder()).expect("new");
        write(&site.file(), &content);
    });
    let content = site.content();
    site.change("then written", |site| write(&site.file(), &content));
    Ok(())
}

fn folder_moved_and_back(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let other = site.at("other-folder");
    rename(&site.folder(), &other);
    site.expect_difference();
    rename(&other, &site.folder());
    site.expect_in_force();
    site.change("then written", |site| write(&site.file(), &content));
    Ok(())
}

fn parent_moved_and_created(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    site.change("parent moved", |site| {
        rename(&site.at("top"), &site.at("other-top"));
        fs::create_dir_all(site.folder()).expect("new");
        write(&site.file(), &content);
    });
    Ok(())
}

fn parent_replaced(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let file = site.file();
    let below = file.strip_prefix(site.at("top")).expect("below it");
    let other = site.at("other-new").join(below);
    fs::create_dir_all(other.parent().expect("a folder")).expect("new");
    write(&other, &content);
    site.change("parent replaced", |site| {
        rename(&site.at("top"), &site.at("other-old"));
        rename(&site.at("other-new"), &site.at("top"));
    });
    Ok(())
}

fn folder_link_retargeted(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let (one, two) = (site.at("other-one"), site.at("other-two"));
    rename(&site.folder(), &one);
    symlink(&one, site.folder()).expect("a link");
    let file = site.file();
    fs::create_dir(&two).expect("new");
    write(&two.join(file.file_name().expect("a name")), &content);
    site.expect_in_force();
    site.change("retargeted", |site| retarget(&site.folder(), &two));
    Ok(())
}

/// Replaces the file by a link to `other`, which has its content.
fn link_to(site: &Site, other: &Path) {
    write(other, &site.present());
    retarget(&site.file(), other);
}

fn link_retargeted(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let (one, two) = (site.at("other-one"), site.at("other-two"));
    link_to(site, &one);
    write(&two, &content);
    site.change("retargeted", |site| retarget(&site.file(), &two));
    Ok(())
}

fn link_target_written(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let one = site.at("other-one");
    link_to(site, &one);
    site.change("target written", |_| write(&one, &content));
    Ok(())
}

fn chain_retargeted(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let (one, two) = (site.at("other-one"), site.at("other-two"));
    let folder = site.at("other-links");
    fs::create_dir(&folder).expect("new");
    write(&one, &site.present());
    write(&two, &content);
    symlink("../other-one", folder.join("second")).expect("a link");
    symlink(folder.join("second"), folder.join("first")).expect("a link");
    retarget(&site.file(), &folder.join("first"));
    site.change("retargeted", |_| retarget(&folder.join("second"), &two));
    Ok(())
}

fn dangling_target_created(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let target = site.at("other-target");
    retarget(&site.file(), &target);
    site.expect_difference();
    site.change("created", |_| write(&target, &content));
    Ok(())
}

fn dangling_folder_created(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let target = site.at("other-deep/deeper/target");
    retarget(&site.file(), &target);
    site.expect_difference();
    site.change("created", |_| {
        fs::create_dir_all(target.parent().expect("a folder")).expect("new");
        write(&target, &content);
    });
    Ok(())
}

/// As `docker run -v FILE:FILE`.
fn mounted_file_written(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let source = site.at("other-source");
    write(&source, &site.present());
    let shown = source.display().to_string();
    let mounted = Mount::new(&["--bind", &shown], &site.file())?;
    site.change("written", |_| write(&source, &content));
    drop(mounted);
    Ok(())
}

fn folder_mounted_over(site: &mut Site) -> Result<(), Skipped> {
    let content = site.content();
    let source = site.at("other-source");
    fs::create_dir(&source).expect("new");
    let file = site.file();
    write(&source.join(file.file_name().expect("a name")), &content);
    let shown = source.display().to_string();
    // Whether this user may mount anything shows first.
    let trial = site.at("other-trial");
    fs::create_dir(&trial).expect("new");
    drop(Mount::new(&["--bind", &shown], &trial)?);
    let mut mounted = None;
    site.change("mounted", |site| {
        mounted = Some(Mount::new(&["--bind", &shown], &site.folder()).expect("mounted"));
    });
    drop(mounted);
    Ok(())
}
