//! The backends that the contract is tried on. A new one joins with an entry in [`each`] and in [`each_lasting`].

use countersign_store::{Batch, Change, DatabaseUrl, Role, Settings, Store, testing};
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A place for a store that nobody else uses.
pub struct Place {
    settings: OnceCell<Settings>,
    folder: Option<TempDir>,
    is_crowded: bool,
}

impl Place {
    /// A file in a folder of its own.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let settings = Settings::Sqlite { path: folder.path().join("countersign.db"), role: Role::Server };
        Self { settings: OnceCell::new_with(Some(settings)), folder: Some(folder), is_crowded: false }
    }

    fn memory() -> Self {
        Self { settings: OnceCell::new_with(Some(Settings::Memory)), folder: None, is_crowded: false }
    }

    /// A database of its own, made when it is opened first.
    pub fn postgres() -> Self {
        Self { settings: OnceCell::new(), folder: None, is_crowded: false }
    }

    /// The same, where each question is asked as under load: together with others.
    fn crowded() -> Self {
        Self { is_crowded: true, ..Self::postgres() }
    }

    /// Opens the store; again, if it was open and is closed now.
    pub async fn open(&self) -> Store {
        let made = async || Settings::Postgres(DatabaseUrl::new(testing::database().await));
        let settings = self.settings.get_or_init(made).await;
        // Shown when the test fails, and tells the backend.
        println!("{settings:?}");
        let store = Store::open(settings.clone()).await.unwrap();
        if self.is_crowded {
            testing::crowd(&store);
        }
        store
    }

    /// The database file, for tests of the one backend that has one.
    pub fn file(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("countersign.db")
    }
}

/// A fresh place on each backend.
pub fn each() -> Vec<Place> {
    vec![Place::sqlite(), Place::memory(), Place::postgres(), Place::crowded()]
}

/// A fresh place on each backend that keeps what it has after it was closed.
pub fn each_lasting() -> Vec<Place> {
    vec![Place::sqlite(), Place::postgres()]
}

/// A batch of these changes.
pub fn batch<const N: usize>(changes: [Change; N]) -> Batch {
    changes.into_iter().fold(Batch::new(), Batch::with)
}

/// Writes what must be possible to write.
pub async fn write<const N: usize>(store: &Store, changes: [Change; N]) {
    store.write(batch(changes)).await.unwrap();
}
