/// The version of daemon and command line, which ship together. Semantic Versioning 2.0.0.
package let programVersion = "0.1.0"
