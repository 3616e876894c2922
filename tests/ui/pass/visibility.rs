#![deny(warnings, unreachable_pub, clippy::all, clippy::pedantic)]
//! A companion is as visible as its function.

use greenpool::green_pool;

pub(crate) mod site {
    pub(crate) mod page {
        use greenpool::green_pool;

        struct Private;

        #[green_pool]
        async fn private(page: Private) {
            let _page = std::future::ready(page).await;
        }

        #[allow(clippy::needless_pub_self, reason = "this is about visibility")]
        #[green_pool]
        pub(self) async fn here() {
            private::spawn_n(Private).await;
        }

        #[green_pool]
        pub(super) async fn above() {
            here::spawn_n().await;
        }

        #[green_pool]
        pub(in crate::site) async fn inside() {
            above::spawn_n().await;
        }

        #[green_pool]
        pub(crate) async fn everywhere() {
            inside::spawn_n().await;
        }
    }

    #[green_pool::green_pool]
    pub(super) async fn all() {
        page::above::spawn_n().await;
        page::inside::spawn_n().await;
    }

    mod green_pool {
        pub(super) use greenpool::green_pool;
    }
}

#[green_pool]
async fn run() {
    use site::page::everywhere;
    everywhere::spawn_n().await;
    everywhere().await;
    site::all::spawn_n().await;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    run::spawn().await.await.unwrap();
}
