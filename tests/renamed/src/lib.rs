//! The macros with greenpool under another name.

use pools::{JoinError, green_pool, pile};

/// Doubles a number.
#[green_pool(size = 2, crate = pools)]
pub async fn double(n: u8) -> u8 {
    std::future::ready(n * 2).await
}

/// Returns its argument.
#[green_pool(crate = ::pools)]
pub async fn same<T: Send>(value: T, _: impl Into<String> + Send) -> T {
    std::future::ready(value).await
}

/// Has a shared parameter.
#[green_pool(crate = pools)]
pub async fn share<T: Clone + Send>(n: u8, #[shared] value: T) -> (u8, T) {
    std::future::ready((n, value)).await
}

/// Runs both functions in every way.
pub async fn all() -> Result<u8, JoinError> {
    let (a, b) = pile![double(1), same(2, "")].try_join().await?;
    let named = pile! { a: double(a), b: same(b, "") }.try_join().await?;
    let sum = named.a + named.b + double::spawn(1).await.await?;
    let mut shared = share::try_imap_stream("", double::imap(vec![sum]));
    assert!(matches!(shared.next().await, Some(Ok((_, "")))));
    let pool = pools::GreenPool::new(1);
    let (one,) = pile![on pool; double(0)].try_join().await?;
    assert_eq!(one, double::on(&pool).spawn(0).await.await?);
    let mut doubles = double::imap(vec![sum]);
    doubles.next().await.transpose().map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn both_macros_work_here() {
        assert_eq!(super::all().await.ok(), Some(16));
    }
}
