//! The work on one picture. All of it blocks or computes, so it runs on a bounded number of blocking threads.

use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use fastrand::Rng;
use greenpool::{GreenPool, green_pool};
use image::{DynamicImage, ImageError, ImageReader, Rgb, RgbImage};
use tokio::task;

/// How many threads are working, as counted by the threads, not by the pool.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);
pub(crate) static MOST_AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// The result of making a thumbnail.
#[derive(Debug)]
pub(crate) struct Made {
    /// The number of pixels of the picture.
    pub(crate) pixels: u64,
}

/// A picture without a thumbnail, and the reason.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) picture: PathBuf,
    pub(crate) error: ImageError,
}

// ANCHOR: thumb
/// Makes the thumbnail of one picture.
///
/// `spawn_blocking` alone would start hundreds of threads, each with a picture in memory. The
/// pool limits their number.
#[green_pool(size = available_parallelism().map_or(4, usize::from))]
pub(crate) async fn thumb(picture: PathBuf, #[shared] out: PathBuf, #[shared] size: u32) -> Result<Made, Failed> {
    let work = move || shrink(&picture, &out, size).map_err(|error| Failed { picture, error });
    off_the_runtime(work).await
}

/// Draws one picture. It shares the pool of `thumb`, since both use the same cores.
pub(crate) async fn draw(path: PathBuf, seed: u64) -> Result<(), ImageError> {
    off_the_runtime(move || scenery(seed).save(path)).await
}

/// Runs `work` on a blocking thread. The job holds its slot until the work is done.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let counted = || {
        let _at_work = AtWork::begin();
        work()
    };
    match task::spawn_blocking(counted).await {
        Ok(value) => value,
        Err(error) => panic::resume_unwind(error.into_panic()),
    }
}
// ANCHOR_END: thumb

/// The pool of `thumb` and `draw`.
pub(crate) fn pool() -> &'static GreenPool {
    thumb::pool()
}

fn shrink(picture: &Path, out: &Path, size: u32) -> Result<Made, ImageError> {
    // Guess the format by content, since file names can be wrong.
    let image = ImageReader::open(picture)?.with_guessed_format()?.decode()?;
    let pixels = u64::from(image.width()) * u64::from(image.height());
    let name = picture.file_name().ok_or(io::ErrorKind::InvalidInput).map_err(io::Error::from)?;
    let small = if image.width().max(image.height()) > size { image.thumbnail(size, size) } else { image };
    // JPEG has no transparency.
    DynamicImage::from(small.into_rgb8()).save(out.join(name).with_extension("jpg"))?;
    Ok(Made { pixels })
}

/// Draws hills under a sky, about one megapixel.
fn scenery(seed: u64) -> RgbImage {
    let mut rng = Rng::with_seed(seed);
    let (width, height) = (rng.u32(1000..1500), rng.u32(700..1000));
    let (steep, shift, hue) = (rng.f32() * 6.0 + 3.0, rng.f32() * 7.0, rng.u8(..120));
    RgbImage::from_fn(width, height, |x, y| {
        #[allow(clippy::cast_precision_loss, reason = "no picture is that large")]
        let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
        let hill = 0.6 + 0.2 * (x * steep + shift).sin() + 0.05 * (x * steep * 5.0).cos();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1")]
        let shade = (y * 255.0) as u8;
        if y > hill { Rgb([hue / 2, 255 - shade / 2, hue]) } else { Rgb([shade, 120 + shade / 3, 255 - hue / 2]) }
    })
}

struct AtWork;

impl AtWork {
    fn begin() -> Self {
        let now = AT_WORK.fetch_add(1, Ordering::Relaxed) + 1;
        MOST_AT_WORK.fetch_max(now, Ordering::Relaxed);
        Self
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        AT_WORK.fetch_sub(1, Ordering::Relaxed);
    }
}
