//! Generates the wire types from `xunjian/v1/agent.proto` with protox, so that no protoc has to be installed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=xunjian/v1/agent.proto");
    let descriptors = protox::compile(["xunjian/v1/agent.proto"], ["."])?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
