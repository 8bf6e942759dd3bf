//! hello.py for Goose: one GET after another.

use goose::prelude::*;

async fn hello(user: &mut GooseUser) -> TransactionResult {
    let _goose = user.get("/hello/").await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    GooseAttack::initialize()?
        .register_scenario(scenario!("HelloUser").register_transaction(transaction!(hello)))
        .execute()
        .await?;
    Ok(())
}
