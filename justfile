# Thin shortcuts; everything real is in cargo and scripts/.

# The sandbox, at http://127.0.0.1:8080/sandbox
dev:
    cargo run -- dev

# Every test
test:
    ./scripts/test

# Accept the answers of today as the exact exchanges; read the diff
rewrite-testdata:
    REWRITE_TESTDATA=1 cargo test --package countersign-web
