//! The macros in edition 2021.

use greenpool::{green_pool, pile, JoinError};

/// Doubles a number.
#[green_pool(size = 2)]
pub async fn double(n: u8) -> u8 {
    std::future::ready(n * 2).await
}

/// Returns its argument.
#[green_pool]
pub async fn same<T: Send>(value: T, _: impl Into<String> + Send) -> T {
    std::future::ready(value).await
}

/// Has a shared parameter.
#[green_pool]
pub async fn share<T: Clone + Send>(n: u8, #[shared] value: T) -> (u8, T) {
    std::future::ready((n, value)).await
}

/// Has names that later editions reserve.
#[green_pool]
pub async fn gen(gen: u8) -> u8 {
    std::future::ready(gen).await
}

/// Has names that this edition reserves, or an earlier one.
#[green_pool(type = gen_raw)]
pub async fn r#async(r#try: u8, r#dyn: u8, r#gen: u8) -> u8 {
    std::future::ready(r#try + r#dyn + r#gen).await
}

/// Has names that later editions reserve, for modules and types.
pub mod names {
    /// A module.
    pub mod gen {
        /// Has a parameter that stands for a type.
        #[greenpool::green_pool(size = gen())]
        pub async fn same<T: Send>(gen: T, (_, _): (u8, u8)) -> T {
            std::future::ready(gen).await
        }

        const fn gen() -> usize {
            3
        }
    }

    /// A module.
    pub mod types {
        /// Has a type of such a name.
        #[greenpool::green_pool(type = gen)]
        pub async fn typed(number: u8) -> u8 {
            std::future::ready(number).await
        }
    }
}

/// Calls what has such names.
pub async fn reserved() -> Result<u8, JoinError> {
    let sum = gen(1).await + gen::spawn(2).await.await? + r#async(1, 1, 1).await;
    let one = gen::imap(vec![1]).next().await.transpose()?;
    let three = gen_raw::starmap(vec![(1, 1, 1)]).next().await.transpose()?;
    let named = pile! { gen: gen(1), r#async: names::gen::same(2, (0, 0)), r#dyn: gen_raw(1, 1, 1) };
    let named = named.try_join().await?;
    let (one_more,) = pile![names::types::gen(1)].try_join().await?;
    let sums = [sum, one.unwrap_or(0), three.unwrap_or(0), named.gen + named.r#async + named.r#dyn, one_more];
    Ok(sums.iter().sum())
}

/// Runs both functions in every way.
pub async fn all() -> Result<u8, JoinError> {
    let (a, b) = pile![double(1), same(2, "")].try_join().await?;
    let named = pile! { a: double(a), b: same(b, "") }.try_join().await?;
    let sum = named.a + named.b + double::spawn(1).await.await?;
    let mut shared = share::try_imap_stream("", double::imap(vec![sum]));
    assert!(matches!(shared.next().await, Some(Ok((_, "")))));
    let pool = greenpool::GreenPool::new(1);
    let (same,) = pile![on pool; double(1)].try_join().await?;
    assert_eq!(same, double::on(&pool).spawn(1).await.await?);
    assert!(gen::on(&pool).imap(vec![1]).next().await.is_some());
    let mut shared = share::imap(vec![sum], "");
    assert!(matches!(shared.next().await, Some(Ok((_, "")))));
    let mut doubles = double::imap(vec![sum]);
    doubles.next().await.transpose().map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn both_macros_work_here() {
        assert_eq!(super::all().await.ok(), Some(16));
    }

    #[tokio::test]
    async fn names_that_are_reserved_in_some_edition_work_here() {
        assert_eq!(super::reserved().await.ok(), Some(17));
    }
}
