//! What only a store in a file can meet: files that are not its own, folders that cannot be written, a second process.

use crate::{
    backend::{Place, batch, write},
    samples::*,
};
use countersign_model::message::MessageState;
use countersign_store::{Change, OpenError, Role, Settings, Store};
use rusqlite::Connection;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Barrier},
};
use tempfile::TempDir;

async fn open(path: &Path, role: Role) -> Result<Store, OpenError> {
    Store::open(Settings::Sqlite { path: path.to_owned(), role }).await
}

async fn refusal(path: &Path) -> OpenError {
    let error = open(path, Role::Server).await.unwrap_err();
    assert!(!error.to_string().contains('\n') && error.to_string().contains(';'), "one line, and what to do: {error}");
    error
}

/// A closed store with one tenant.
async fn closed_store() -> Place {
    let place = Place::sqlite();
    let store = place.open().await;
    write(&store, [Change::InsertTenant(tenant(1))]).await;
    store.close().await;
    place
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let (text, foreign) = (folder.path().join("notes.txt"), folder.path().join("other.db"));
    fs::write(&text, "no database at all").unwrap();
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE other (id INTEGER)").unwrap();
    for path in [text, foreign] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let before = fs::read(&path).unwrap();
        assert_eq!(refusal(&path).await, OpenError::Foreign { path: path.clone() });
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside them");
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let place = closed_store().await;
    let mut bytes = fs::read(place.file()).unwrap();
    assert!(bytes.len() > 3 * 4096);
    bytes.get_mut(4096..3 * 4096).unwrap().fill(0xa5);
    fs::write(place.file(), &bytes).unwrap();
    assert!(matches!(refusal(&place.file()).await, OpenError::Damaged { .. }));
    bytes.truncate(4096);
    fs::write(place.file(), &bytes).unwrap();
    assert!(matches!(refusal(&place.file()).await, OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let place = closed_store().await;
    Connection::open(place.file()).unwrap().pragma_update(None, "user_version", 1000).unwrap();
    let refusal = refusal(&place.file()).await;
    assert!(matches!(&refusal, OpenError::Newer { path, found: 1000, .. } if *path == place.file()), "{refusal:?}");
}

#[tokio::test]
async fn a_second_server_is_refused_until_the_first_one_is_closed() {
    let place = Place::sqlite();
    let first = place.open().await;
    assert_eq!(refusal(&place.file()).await, OpenError::InUse { path: place.file() });
    first.close().await;
    let second = place.open().await;
    assert_eq!(refusal(&place.file()).await, OpenError::InUse { path: place.file() });
    drop(second);
    place.open().await;
}

#[tokio::test]
async fn a_tool_reads_and_writes_beside_a_server_and_leaves_its_leases_alone() {
    let place = Place::sqlite();
    let server = place.open().await;
    write(&server, [Change::InsertMessage(message(1, 1, at(1)))]).await;
    server.claim_messages(claim_of(at(1), at(1), at(9), 1)).await.unwrap();
    let tool = open(&place.file(), Role::Tool).await.unwrap();
    for number in 0..50 {
        let writes = (
            server.write(batch([Change::InsertTenant(tenant(2 * number))])),
            tool.write(batch([Change::InsertTenant(tenant(2 * number + 1))])),
        );
        assert_eq!(tokio::join!(writes.0, writes.1), (Ok(()), Ok(())));
    }
    assert_eq!(server.tenants().await.unwrap().len(), 100);
    assert_eq!(tool.tenants().await, server.tenants().await);
    let held = server.message(ours(), message_id(1)).await.unwrap().unwrap();
    assert_eq!(held.state, MessageState::Leased);
}

#[tokio::test]
async fn a_tool_makes_the_tables_only_where_no_server_runs() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("countersign.db");
    open(&path, Role::Tool).await.unwrap().close().await;
    let server = open(&path, Role::Server).await.unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 0).unwrap();
    assert_eq!(open(&path, Role::Tool).await.unwrap_err(), OpenError::InUse { path: path.clone() });
    drop(server);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_or_written_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let below_a_file = file.join("folder").join("countersign.db");
    assert!(matches!(refusal(&below_a_file).await, OpenError::NoFolder { .. }));
    let is_a_folder = folder.path().join("countersign.db");
    fs::create_dir(&is_a_folder).unwrap();
    assert!(matches!(refusal(&is_a_folder).await, OpenError::NotWritable { .. }));
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_folder_in_which_no_file_can_be_made_is_refused() {
    // Nobody can make files there, not even root, whom a mode would not stop.
    assert!(matches!(refusal(Path::new("/proc/self/countersign.db")).await, OpenError::NotWritable { .. }));
}

#[tokio::test]
#[cfg(unix)]
async fn the_files_and_a_new_folder_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("a").join("b");
    let store = open(&inner.join("countersign.db"), Role::Server).await.unwrap();
    write(&store, [Change::InsertTenant(tenant(1))]).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    let files: Vec<_> = fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "the database, its log and its lock: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn opening_again_changes_no_table() {
    let place = closed_store().await;
    let schema = || {
        let connection = Connection::open(place.file()).unwrap();
        let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)));
        rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    let before = schema();
    place.open().await.close().await;
    assert_eq!(schema(), before);
}

#[tokio::test]
async fn what_was_answered_is_in_the_files_at_that_moment() {
    let (place, copy) = (Place::sqlite(), TempDir::new().unwrap());
    let store = place.open().await;
    for number in 0..100 {
        write(&store, [Change::InsertTenant(tenant(number))]).await;
    }
    // As a crash would leave them.
    for suffix in ["", "-wal"] {
        let name = format!("countersign.db{suffix}");
        fs::copy(place.file().with_file_name(&name), copy.path().join(&name)).unwrap();
    }
    let survived = open(&copy.path().join("countersign.db"), Role::Server).await.unwrap();
    assert_eq!(survived.tenants().await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_closed_store_is_one_file_and_its_lock() {
    let place = closed_store().await;
    let mut names: Vec<_> = fs::read_dir(place.file().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["countersign.db", "countersign.db.lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tools_and_a_server_that_find_nothing_make_the_tables_once() {
    for _ in 0..8 {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("new").join("countersign.db");
        let start = Arc::new(Barrier::new(6));
        let opened = (0..6).map(|number| {
            let (path, start) = (path.clone(), Arc::clone(&start));
            let role = if number == 0 { Role::Server } else { Role::Tool };
            std::thread::spawn(move || {
                start.wait();
                tokio::runtime::Runtime::new().unwrap().block_on(async {
                    let store = open(&path, role).await.map_err(|error| error.to_string())?;
                    write(&store, [Change::InsertTenant(tenant(number))]).await;
                    store.close().await;
                    Ok::<_, String>(())
                })
            })
        });
        let opened: Vec<_> = opened.collect();
        for one in opened {
            assert_eq!(one.join().unwrap(), Ok(()));
        }
        assert_eq!(open(&path, Role::Server).await.unwrap().tenants().await.unwrap().len(), 6);
    }
}
