//! Redis and its Sentinels in a lab, asked by others than warroom.

use std::fs;

use redis::Value;

use super::lab::Lab;

/// One command to a Redis server or a Sentinel of the lab.
pub fn redis(lab: &Lab, server: &str, words: &[&str]) -> Value {
    let secret = fs::read_to_string(lab.path("secrets/redis")).unwrap();
    let login = match server.starts_with("sentinel") {
        true => String::new(),
        false => format!(":{}@", secret.trim()),
    };
    let url = format!("redis://{login}127.0.0.1:{}/", lab.port(server));
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let (command, arguments) = words.split_first().unwrap();
    redis::cmd(command)
        .arg(arguments)
        .query(&mut connection)
        .unwrap()
}

/// The port of the master as the Sentinels name it.
pub fn master_port(lab: &Lab) -> u16 {
    let asked = ["SENTINEL", "get-master-addr-by-name", "cache"];
    let (_host, port): (String, String) =
        redis::from_redis_value(redis(lab, "sentinel-1", &asked)).unwrap();
    port.parse().unwrap()
}
