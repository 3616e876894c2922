//! Every picture gets a thumbnail, and never more jobs run than the pool has slots.

#[allow(dead_code, reason = "not every test uses all of it")]
#[path = "../tests/program/mod.rs"]
mod program;

use std::sync::LazyLock;

use image::{Rgba, RgbaImage};
use program::Program;
use tempfile::TempDir;

static THUMBS: LazyLock<Program> = LazyLock::new(|| Program::build("thumbs"));

#[tokio::test]
async fn the_demonstration_keeps_to_its_limit() {
    let text = THUMBS.prints(&["--pictures", "6", "--jobs", "2"], 0).await;
    assert!(text.contains("6 thumbnails, 0 failed"), "{text}");
    let most = text.split("most at once: ").nth(1).unwrap();
    assert!(most.starts_with("1; pool size: 2") || most.starts_with("2; pool size: 2"), "{text}");
}

#[tokio::test]
async fn a_thumbnail_keeps_the_shape_and_a_small_picture_its_size() {
    let folder = folder();
    for (name, width, height) in [("wide.png", 400, 100), ("high.PNG", 60, 240), ("small.png", 7, 9)] {
        RgbaImage::from_pixel(width, height, Rgba([200, 30, 30, 128])).save(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("notes.txt"), "no picture").unwrap();
    let text = THUMBS.prints(&[&path(&folder, ""), "--out", &path(&folder, "out/deep"), "--size", "80"], 0).await;
    assert!(text.contains("3 thumbnails, 0 failed"), "{text}");
    let size = |name| image::image_dimensions(folder.path().join("out/deep").join(name)).unwrap();
    assert_eq!([size("wide.jpg"), size("high.jpg"), size("small.jpg")], [(80, 20), (20, 80), (7, 9)]);
}

#[tokio::test]
async fn a_broken_picture_does_not_stop_the_others() {
    let folder = folder();
    std::fs::write(folder.path().join("broken.jpg"), b"\xff\xd8\xff and no more").unwrap();
    std::fs::write(folder.path().join("empty.png"), b"").unwrap();
    RgbaImage::new(10, 10).save(folder.path().join("fine.png")).unwrap();
    let text = THUMBS.prints(&[&path(&folder, ""), "--out", &path(&folder, "out")], 1).await;
    assert!(text.contains("broken.jpg: ") && text.contains("empty.png: "), "{text}");
    assert!(text.contains("1 thumbnails, 2 failed"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_it_with_a_word() {
    let text = THUMBS.interrupted(&["--pictures", "9999"], "generating").await;
    assert_eq!(text, "interrupted; no thumbnail was made\n");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_keeps_the_thumbnails_that_are_made() {
    let folder = folder();
    for n in 0..200 {
        RgbaImage::new(900, 900).save(folder.path().join(format!("{n}.png"))).unwrap();
    }
    let text = THUMBS.interrupted(&[&path(&folder, ""), "--out", &path(&folder, "out")], "thumbnails").await;
    assert!(text.contains(" thumbnails, 0 failed") && text.contains("interrupted; "), "{text}");
}

#[tokio::test]
async fn bad_usage_is_refused_with_advice() {
    let folder = folder();
    THUMBS.refuses(&["no/such/folder", "--out", "x"], "give a folder").await;
    THUMBS.refuses(&[&path(&folder, "")], "--out").await;
    THUMBS.refuses(&["--jobs", "0"], "from 1 to").await;
    THUMBS.refuses(&["--picture", "1"], "--pictures").await;
}

fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}
