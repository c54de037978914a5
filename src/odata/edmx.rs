//! The documents that describe a feed: the service document and `$metadata`.

use super::atom::Links;
use super::xml::{METADATA, Xml};
use crate::catalog::columns::PROPERTIES;

const EDM: &str = "http://schemas.microsoft.com/ado/2006/04/edm";

/// The functions and their parameters. Clients look for their names alone (NuGet.Client,
/// `LegacyFeedCapabilityResourceV2Feed`; choco 2 gives up searching without `Search`).
const FUNCTIONS: &[(&str, &[(&str, bool)])] = &[
    (
        "Search",
        &[
            ("searchTerm", false),
            ("targetFramework", false),
            ("includePrerelease", true),
            ("semVerLevel", false),
        ],
    ),
    ("FindPackagesById", &[("id", false), ("semVerLevel", false)]),
    (
        "GetUpdates",
        &[
            ("packageIds", false),
            ("versions", false),
            ("includePrerelease", true),
            ("includeAllVersions", true),
            ("targetFrameworks", false),
            ("versionConstraints", false),
            ("semVerLevel", false),
        ],
    ),
];

/// Writes the service document.
#[must_use]
pub fn service(links: &Links<'_>) -> String {
    let mut xml = Xml::document(512);
    xml.raw(r#"<service xml:base=""#).text(links.root);
    xml.raw(r#"/" xmlns="http://www.w3.org/2007/app" xmlns:atom="http://www.w3.org/2005/Atom">"#);
    xml.raw(r#"<workspace><atom:title type="text">Default</atom:title>"#);
    xml.raw(r#"<collection href="Packages"><atom:title type="text">Packages</atom:title></collection>"#);
    xml.raw("</workspace></service>");
    xml.finish()
}

/// Writes the metadata: one entity set, which clients expect first in its container, the union of the galleries'
/// properties, and no feed customisation, for a client of the WCF generation would then look for a property in an Atom
/// element alone.
#[must_use]
pub fn metadata() -> String {
    let mut xml = Xml::document(16 * 1024);
    xml.raw(r#"<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">"#);
    xml.raw(r#"<edmx:DataServices m:DataServiceVersion="2.0" m:MaxDataServiceVersion="2.0" xmlns:m=""#);
    xml.raw(METADATA).raw(r#"">"#);
    entity_type(&mut xml);
    container(&mut xml);
    xml.raw("</edmx:DataServices></edmx:Edmx>");
    xml.finish()
}

fn schema(xml: &mut Xml, namespace: &str) {
    xml.raw(r#"<Schema Namespace=""#).raw(namespace);
    xml.raw(r#"" xmlns=""#).raw(EDM).raw(r#"">"#);
}

fn entity_type(xml: &mut Xml) {
    schema(xml, "NuGetGallery.OData");
    xml.raw(r#"<EntityType Name="V2FeedPackage" m:HasStream="true"><Key>"#);
    xml.raw(r#"<PropertyRef Name="Id"/><PropertyRef Name="Version"/></Key>"#);
    for property in PROPERTIES {
        xml.raw(r#"<Property Name=""#).raw(property.name);
        xml.raw(r#"" Type=""#).raw(property.edm.name());
        xml.raw(if property.nullable {
            r#""/>"#
        } else {
            r#"" Nullable="false"/>"#
        });
    }
    xml.raw("</EntityType></Schema>");
}

fn container(xml: &mut Xml) {
    schema(xml, "NuGetGallery");
    xml.raw(r#"<EntityContainer Name="V2FeedContext" m:IsDefaultEntityContainer="true">"#);
    xml.raw(r#"<EntitySet Name="Packages" EntityType="NuGetGallery.OData.V2FeedPackage"/>"#);
    for (name, parameters) in FUNCTIONS {
        xml.raw(r#"<FunctionImport Name=""#).raw(name);
        xml.raw(r#"" ReturnType="Collection(NuGetGallery.OData.V2FeedPackage)" EntitySet="Packages">"#);
        for (parameter, is_boolean) in *parameters {
            xml.raw(r#"<Parameter Name=""#).raw(parameter);
            xml.raw(if *is_boolean {
                r#"" Type="Edm.Boolean" Nullable="false"/>"#
            } else {
                r#"" Type="Edm.String" FixedLength="false" Unicode="false"/>"#
            });
        }
        xml.raw("</FunctionImport>");
    }
    xml.raw("</EntityContainer></Schema>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::xml::lines;

    #[test]
    fn a_service_document() {
        let links = Links {
            root: "http://127.0.0.1:8624/api/v2",
        };
        insta::assert_snapshot!(lines(&service(&links)));
    }

    #[test]
    fn a_metadata_document() {
        insta::assert_snapshot!(lines(&metadata()));
    }
}
