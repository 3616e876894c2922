#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(non_upper_case_globals, non_camel_case_types, dead_code, reason = "the names are what is tested")]
#![allow(clippy::wildcard_imports, reason = "they are in scope, whatever they are")]
//! Names at the call site that a pattern of the expansion could be taken for.

use greenpool::{GreenPool, JoinError, green_pool, pile};

mod names {
    macro_rules! statics {
        ($($name:ident)*) => { $(pub(crate) static $name: u8 = 1;)* };
    }
    macro_rules! constants {
        ($($name:ident)*) => { $(pub(crate) const $name: u8 = 1;)* };
    }
    macro_rules! structs {
        ($($name:ident)*) => { $(pub(crate) struct $name;)* };
    }

    statics! { pool shared share rest args tuples arg0 arg1 arg2 value values item items source }
    constants! { size handles value0 value1 item0 item1 index cell first reader future POOL SIZE }
    structs! { on F X Runs Function Shape Shared One Each }
    structs! { name call workers spawn spawn_n try_spawn imap starmap submit T0 T1 I0 I1 E Values Names }
}

use names::*;

const __SIZE: usize = 4;
static __POOL: usize = 5;

#[green_pool(size = __SIZE)]
async fn constant(number: u8) -> u8 {
    std::future::ready(number + pool + size).await
}

#[green_pool(size = SIZE as usize + POOL as usize)]
async fn arithmetic((a, b): (u8, u8), _: bool, mut c: u8) -> u8 {
    c += a + b;
    std::future::ready(c).await
}

#[green_pool(size = usize::from(size) + __POOL)]
async fn at_run_time() -> u8 {
    std::future::ready(args).await
}

#[green_pool]
async fn generic<T: Send>(_: T, (_, number): (u8, u8)) -> u8 {
    std::future::ready(number).await
}

#[green_pool]
async fn takes_types(_: T0, _: I0, _: Names) -> u8 {
    std::future::ready(1).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    assert_eq!(constant::pool().size() + at_run_time::pool().size(), 10);
    assert_eq!(arithmetic::pool().size(), 2);
    assert_eq!(constant::spawn(1).await.await? + at_run_time::spawn().await.await?, 4);
    assert!(arithmetic::imap([(1, 2)], [true], [3]).next().await.is_some());
    assert!(arithmetic::starmap_unordered([((1, 2), true, 3)]).next().await.is_some());
    assert_eq!(generic::spawn("", (1, 2)).await.await?, 2);
    assert!(generic::imap([""], [(1, 2)]).next().await.is_some());
    assert!(takes_types::imap([T0], [I0], [Names]).next().await.is_some());
    let (two, four) = pile![constant(0), arithmetic((1, 1), true, 2)].try_join().await?;
    assert_eq!((two, four), (2, 4));
    let named = pile! { pool: constant(0), value0: at_run_time() }.try_join().await?;
    assert_eq!(named.pool + named.value0, 3);
    let own = GreenPool::new(1);
    let (one,) = pile![in own; async { pool }].try_join().await?;
    let (both,) = pile![size = usize::from(size); async { pool + size }].try_join().await?;
    assert_eq!(one + both, 3);
    Ok(())
}
