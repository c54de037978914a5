# Installs Chocolatey from a larder feed, without any other server. Run it as an administrator:
#   Invoke-Expression (Invoke-WebRequest -UseBasicParsing '@BASE/install.ps1').Content
# For a version of your own choice set $env:chocolateyVersion before.
& {
    $ErrorActionPreference = 'Stop'
    $package = '@BASE/api/v2/package/chocolatey'
    if ($env:chocolateyVersion) {
        $package = $package + '/' + [Uri]::EscapeDataString($env:chocolateyVersion)
    }

    # TLS 1.2, which Windows PowerShell does not offer on older systems unless it is told to.
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 3072
    Add-Type -AssemblyName System.IO.Compression.FileSystem

    $folder = Join-Path ([IO.Path]::GetTempPath()) ('chocolatey-' + [Guid]::NewGuid().ToString('N'))
    New-Item -ItemType Directory -Path $folder | Out-Null
    try {
        $nupkg = Join-Path $folder 'chocolatey.nupkg'
        Write-Output "Downloading $package"
        (New-Object Net.WebClient).DownloadFile($package, $nupkg)
        $unpacked = Join-Path $folder 'chocolatey'
        [IO.Compression.ZipFile]::ExtractToDirectory($nupkg, $unpacked)

        # The package's own script expects to go on after errors that it reports itself.
        $ErrorActionPreference = 'Continue'
        & (Join-Path $unpacked 'tools\chocolateyInstall.ps1')
        $ErrorActionPreference = 'Stop'

        # choco takes itself for a package that is installed where its nupkg lies here.
        $root = [Environment]::GetEnvironmentVariable('ChocolateyInstall', 'Machine')
        if (-not $root) { $root = $env:ChocolateyInstall }
        if (-not $root) { $root = Join-Path $env:ProgramData 'chocolatey' }
        $library = Join-Path $root 'lib\chocolatey'
        New-Item -ItemType Directory -Path $library -Force | Out-Null
        Copy-Item $nupkg (Join-Path $library 'chocolatey.nupkg') -Force
    } finally {
        Remove-Item -Recurse -Force $folder -ErrorAction SilentlyContinue
    }
}
