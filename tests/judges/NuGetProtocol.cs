// Reads a v2 feed with the .NET SDK's own NuGet.Protocol.dll, the library behind dotnet, Visual Studio and choco 2.
//
// Takes the feed's URL and a file. Each line of the file is one question: a verb and its arguments, separated by tabs. For each,
// one line of JSON comes out: what the library made of the answer, or "error" with what it threw.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using NuGet.Common;
using NuGet.Configuration;
using NuGet.Packaging.Core;
using NuGet.Protocol;
using NuGet.Protocol.Core.Types;
using NuGet.Versioning;

internal static class Judge
{
    private static readonly ILogger Log = NullLogger.Instance;
    private static readonly CancellationToken None = CancellationToken.None;

    private static async Task<int> Main(string[] arguments)
    {
        var repository = Repository.Factory.GetCoreV3(arguments[0], FeedType.HttpV2);
        foreach (var line in await File.ReadAllLinesAsync(arguments[1]))
        {
            object said;
            try
            {
                said = await Ask(repository, line.Split('\t'));
            }
            catch (Exception failure)
            {
                said = new { error = Messages(failure) };
            }
            Console.WriteLine(JsonSerializer.Serialize(said));
        }
        return 0;
    }

    private static string Messages(Exception failure)
    {
        return failure.InnerException == null
            ? failure.GetType().Name + ": " + failure.Message
            : failure.GetType().Name + ": " + failure.Message + " <- " + Messages(failure.InnerException);
    }

    private static async Task<object> Ask(SourceRepository repository, string[] question)
    {
        // Each question sees the server, never what an earlier one left behind.
        using var cache = new SourceCacheContext { NoCache = true, DirectDownload = true, RefreshMemoryCache = true };
        string Text(int at) => at < question.Length ? question[at] : "";
        bool Flag(int at) => Text(at) == "true";
        int Number(int at, int otherwise) =>
            Text(at).Length == 0 ? otherwise : int.Parse(Text(at), CultureInfo.InvariantCulture);
        switch (question[0])
        {
            case "capabilities":
                var capabilities = new LegacyFeedCapabilityResourceV2Feed(await Parser(repository), repository.PackageSource.Source);
                return new
                {
                    search = await capabilities.SupportsSearchAsync(Log, None),
                    absolute = await capabilities.SupportsIsAbsoluteLatestVersionAsync(Log, None),
                };
            case "read":
                // A list or an entry by its address below the feed's root, with all the pages that follow it.
                var parser = await Parser(repository);
                var read = await parser.QueryV2FeedAsync("/" + Text(1), null, int.MaxValue, false, cache, Log, None);
                return read.Items.Select(Shown).ToList();
            case "search":
                var search = await repository.GetResourceAsync<PackageSearchResource>();
                var filter = new SearchFilter(Flag(2))
                {
                    SupportedFrameworks = Text(3).Split('|', StringSplitOptions.RemoveEmptyEntries),
                };
                var found = await search.SearchAsync(Text(1), filter, Number(4, 0), Number(5, 30), Log, None);
                return found.Select(Shown).ToList();
            case "list":
                var list = await repository.GetResourceAsync<ListResource>();
                var listed = await list.ListAsync(Text(1), Flag(2), Flag(3), Flag(4), Log, None);
                var all = new List<object>();
                var each = listed.GetEnumeratorAsync();
                while (await each.MoveNextAsync())
                {
                    all.Add(Shown(each.Current));
                }
                return all;
            case "versions":
                var byId = await repository.GetResourceAsync<FindPackageByIdResource>();
                var versions = await byId.GetAllVersionsAsync(Text(1), cache, Log, None);
                return versions.Select(version => version.ToNormalizedString()).ToList();
            case "dependencies":
                var resolver = await repository.GetResourceAsync<DependencyInfoResource>();
                var framework = NuGet.Frameworks.NuGetFramework.Parse(Text(3));
                var resolved = await resolver.ResolvePackage(Identity(Text(1), Text(2)), framework, cache, Log, None);
                return resolved?.Dependencies.Select(dependency => dependency.Id + " " + dependency.VersionRange.ToNormalizedString())
                    .ToList();
            case "metadata":
                var metadata = await repository.GetResourceAsync<PackageMetadataResource>();
                var known = await metadata.GetMetadataAsync(Text(1), Flag(2), Flag(3), cache, Log, None);
                return known.Select(Shown).ToList();
            case "ids":
                var ids = await repository.GetResourceAsync<AutoCompleteResource>();
                return (await ids.IdStartsWith(Text(1), Flag(2), Log, None)).ToList();
            case "completions":
                var completions = await repository.GetResourceAsync<AutoCompleteResource>();
                return (await completions.VersionStartsWith(Text(1), Text(2), Flag(3), cache, Log, None))
                    .Select(version => version.ToNormalizedString())
                    .ToList();
            case "download":
                var downloads = await repository.GetResourceAsync<DownloadResource>();
                var folder = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
                var context = new PackageDownloadContext(cache, folder, true);
                using (var result = await downloads.GetDownloadResourceResultAsync(Identity(Text(1), Text(2)), context, folder, Log, None))
                {
                    if (result.PackageStream == null)
                    {
                        return new { status = result.Status.ToString() };
                    }
                    using var sha512 = SHA512.Create();
                    return new
                    {
                        status = result.Status.ToString(),
                        sha512 = Convert.ToBase64String(sha512.ComputeHash(result.PackageStream)),
                    };
                }
            default:
                throw new ArgumentException("there is no question '" + question[0] + "'");
        }
    }

    private static async Task<V2FeedParser> Parser(SourceRepository repository)
    {
        var http = (await repository.GetResourceAsync<HttpSourceResource>()).HttpSource;
        return new V2FeedParser(http, repository.PackageSource.Source);
    }

    private static PackageIdentity Identity(string id, string version)
    {
        return new PackageIdentity(id, NuGetVersion.Parse(version));
    }

    private static object Shown(V2FeedPackageInfo package)
    {
        return new
        {
            id = package.Id,
            version = package.Version.ToNormalizedString(),
            spelled = package.Version.OriginalVersion,
            listed = package.IsListed,
            title = package.Title,
            authors = string.Join(",", package.Authors),
            tags = package.Tags,
            summary = package.Summary,
            description = package.Description,
            downloads = package.DownloadCountAsInt,
            hash = package.PackageHash,
            content = package.DownloadUrl,
            dependencies = package.DependencySets.SelectMany(set =>
                    set.Packages.Select(dependency =>
                        dependency.Id + " " + dependency.VersionRange.ToNormalizedString() + " " + set.TargetFramework.GetShortFolderName()))
                .ToList(),
        };
    }

    private static object Shown(IPackageSearchMetadata package)
    {
        return new
        {
            id = package.Identity.Id,
            version = package.Identity.Version.ToNormalizedString(),
            listed = package.IsListed,
            title = package.Title,
            authors = package.Authors,
            tags = package.Tags,
            summary = package.Summary,
            description = package.Description,
            downloads = package.DownloadCount,
        };
    }
}
