//! The frameworks that NuGet knows, by their long, short and synonymous names (NuGet.Client, `DefaultFrameworkMappings`).

/// What kind of framework something is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Identifier {
    AspNet,
    AspNetCore,
    Dnx,
    DnxCore,
    MonoAndroid,
    MonoMac,
    MonoTouch,
    Native,
    Net,
    NetCore,
    NetCoreApp,
    NetMicro,
    NetNano,
    NetPlatform,
    NetStandard,
    NetStandardApp,
    Portable,
    Silverlight,
    Tizen,
    Uap,
    Windows,
    WindowsPhone,
    WindowsPhoneApp,
    WinRt,
    XamarinIos,
    XamarinMac,
    XamarinPlayStation3,
    XamarinPlayStation4,
    XamarinPlayStationVita,
    XamarinTvos,
    XamarinWatchos,
    XamarinXbox360,
    XamarinXboxOne,
}

/// All names in lower case; the first one of each is the short one, which folders and feeds use.
const NAMES: &[(Identifier, &[&str])] = &[
    (Identifier::AspNet, &["aspnet", "asp.net"]),
    (Identifier::AspNetCore, &["aspnetcore", "asp.netcore"]),
    (Identifier::Dnx, &["dnx"]),
    (Identifier::DnxCore, &["dnxcore"]),
    (Identifier::MonoAndroid, &["monoandroid"]),
    (Identifier::MonoMac, &["monomac"]),
    (Identifier::MonoTouch, &["monotouch"]),
    (Identifier::Native, &["native"]),
    (Identifier::Net, &["net", ".netframework", "netframework", ".net"]),
    (Identifier::NetCore, &["netcore", ".netcore"]),
    (Identifier::NetCoreApp, &["netcoreapp", ".netcoreapp"]),
    (Identifier::NetMicro, &["netmf", ".netmicroframework"]),
    (Identifier::NetNano, &["netnano", ".netnanoframework"]),
    (Identifier::NetPlatform, &["dotnet", ".netplatform"]),
    (Identifier::NetStandard, &["netstandard", ".netstandard"]),
    (Identifier::NetStandardApp, &["netstandardapp", ".netstandardapp"]),
    (Identifier::Portable, &["portable", ".netportable", "netportable"]),
    (Identifier::Silverlight, &["sl", "silverlight"]),
    (Identifier::Tizen, &["tizen"]),
    (Identifier::Uap, &["uap"]),
    (Identifier::Windows, &["win", "windows"]),
    (Identifier::WindowsPhone, &["wp", "windowsphone"]),
    (Identifier::WindowsPhoneApp, &["wpa", "windowsphoneapp"]),
    (Identifier::WinRt, &["winrt"]),
    (Identifier::XamarinIos, &["xamarinios", "xamarin.ios"]),
    (Identifier::XamarinMac, &["xamarinmac", "xamarin.mac"]),
    (
        Identifier::XamarinPlayStation3,
        &[
            "xamarinpsthree",
            "xamarin.playstation3",
            "xamarin.playstationthree",
            "xamarinplaystationthree",
        ],
    ),
    (
        Identifier::XamarinPlayStation4,
        &[
            "xamarinpsfour",
            "xamarin.playstation4",
            "xamarin.playstationfour",
            "xamarinplaystationfour",
        ],
    ),
    (
        Identifier::XamarinPlayStationVita,
        &["xamarinpsvita", "xamarin.playstationvita", "xamarinplaystationvita"],
    ),
    (Identifier::XamarinTvos, &["xamarintvos", "xamarin.tvos"]),
    (Identifier::XamarinWatchos, &["xamarinwatchos", "xamarin.watchos"]),
    (
        Identifier::XamarinXbox360,
        &["xamarinxboxthreesixty", "xamarin.xbox360"],
    ),
    (Identifier::XamarinXboxOne, &["xamarinxboxone", "xamarin.xboxone"]),
];

impl Identifier {
    /// Parses a name in lower case.
    pub(super) fn parse(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, names)| names.contains(&name))
            .map(|(identifier, _)| *identifier)
    }

    /// Returns the short name.
    pub(super) fn short(self) -> &'static str {
        let names = NAMES.iter().find(|(identifier, _)| *identifier == self);
        names.and_then(|(_, names)| names.first()).copied().unwrap_or_default()
    }
}
