// Asks a v2 feed with NuGet.Core.dll 2.8, the library behind nuget 2, Visual Studio 2010 to 2013 and choco 0.x and 1.x: WCF Data
// Services' client, which turns LINQ into $filter, reads entities strictly, and sends $batch when an address grows too long.
//
// Takes the feed's URL and a file. Each line of the file is one question: a verb and its arguments, separated by tabs. For each,
// one line comes out: "id version" of every package in the order it came, separated by "; ", or "error: " with what was thrown.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.Versioning;
using NuGet;

internal static class Judge
{
    private static int Main(string[] arguments)
    {
        foreach (string line in File.ReadAllLines(arguments[1]))
        {
            string said;
            try
            {
                // A new one each time: it remembers what it once was told.
                said = Ask(new DataServicePackageRepository(new Uri(arguments[0])), line.Split('\t'));
            }
            catch (Exception failure)
            {
                said = "error: " + Messages(failure);
            }
            Console.Out.WriteLine(said.Replace('\n', ' ').Replace('\r', ' '));
        }
        return 0;
    }

    private static string Messages(Exception failure)
    {
        string message = failure.GetType().Name + ": " + failure.Message;
        return failure.InnerException == null ? message : message + " <- " + Messages(failure.InnerException);
    }

    private static string Ask(DataServicePackageRepository feed, string[] question)
    {
        Func<int, string> text = at => at < question.Length ? question[at] : "";
        Func<int, bool> flag = at => text(at) == "true";
        Func<string, string[]> several = joined => joined.Split(new[] { '|' }, StringSplitOptions.RemoveEmptyEntries);
        switch (question[0])
        {
            case "search":
                // Term, prereleases, frameworks.
                return Shown(feed.Search(text(1), several(text(3)), flag(2)).ToList());
            case "latest":
                return Shown(feed.Search(text(1), new string[0], flag(2)).Where(package => package.IsLatestVersion).AsEnumerable());
            case "absolute":
                return Shown(feed.Search(text(1), new string[0], true).Where(package => package.IsAbsoluteLatestVersion).AsEnumerable());
            case "popular":
                return Shown(feed.Search(text(1), new string[0], false).Where(package => package.IsLatestVersion)
                    .OrderByDescending(package => package.DownloadCount).ThenBy(package => package.Id).Skip(int.Parse(text(2))).Take(int.Parse(text(3))).AsEnumerable());
            case "count":
                return feed.Search(text(1), new string[0], flag(2)).Where(package => package.IsLatestVersion).Count().ToString();
            case "all":
                return Shown(feed.GetPackages().OrderBy(package => package.Id).AsEnumerable());
            case "find":
                return Shown(feed.FindPackagesById(text(1)));
            case "package":
                return Shown(new[] { feed.FindPackage(text(1), new SemanticVersion(text(2))) }.Where(package => package != null));
            case "exists":
                return feed.Exists(text(1), new SemanticVersion(text(2))).ToString();
            case "where":
                return Shown(Filtered(feed.GetPackages(), text(1)).AsEnumerable());
            case "updates":
                // Ids, versions, prereleases, all versions, frameworks, constraints.
                var versions = text(2).Split('|');
                var installed = text(1).Split('|').Select((id, at) => (IPackageName)new PackageName(id, new SemanticVersion(versions[at])));
                var frameworks = several(text(5)).Select(name => VersionUtility.ParseFrameworkName(name)).ToList();
                var constraints = text(6).Length == 0
                    ? null
                    : text(6).Split('|').Select(range => range.Length == 0 ? null : VersionUtility.ParseVersionSpec(range)).ToList();
                return Shown(feed.GetUpdates(installed, flag(3), flag(4), frameworks, constraints));
            case "details":
                var one = feed.FindPackage(text(1), new SemanticVersion(text(2)));
                return string.Join("; ", new[]
                {
                    one.Id, one.Version.ToString(), one.Title, string.Join(",", one.Authors), one.Summary, one.Description, one.Tags,
                    one.Listed.ToString(), one.DownloadCount.ToString(), one.IsLatestVersion.ToString(), one.IsAbsoluteLatestVersion.ToString(),
                    string.Join(",", one.DependencySets.SelectMany(set => set.Dependencies).Select(dependency => dependency.ToString())),
                });
            case "download":
                using (var stream = feed.FindPackage(text(1), new SemanticVersion(text(2))).GetStream())
                using (var sha512 = System.Security.Cryptography.SHA512.Create())
                {
                    return Convert.ToBase64String(sha512.ComputeHash(stream));
                }
            default:
                throw new ArgumentException("there is no question '" + question[0] + "'");
        }
    }

    // Conditions as programs write them in LINQ; the library makes the $filter.
    private static IQueryable<IPackage> Filtered(IQueryable<IPackage> packages, string name)
    {
        DateTimeOffset year = new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
        switch (name)
        {
            case "id": return packages.Where(package => package.Id == "git");
            case "lower": return packages.Where(package => package.Id.ToLower() == "git" && package.IsLatestVersion);
            case "contains": return packages.Where(package => package.Id.ToLower().Contains("git") && package.IsLatestVersion);
            case "starts": return packages.Where(package => package.Id.ToLower().StartsWith("git"));
            case "ends": return packages.Where(package => package.Id.EndsWith("install"));
            case "not": return packages.Where(package => !package.IsLatestVersion && package.Id == "git");
            case "downloads": return packages.Where(package => package.DownloadCount * 2 + 1 > 1000);
            case "published": return packages.Where(package => package.Published > year && package.Id == "git");
            case "length": return packages.Where(package => package.Id.Length == 3);
            case "null": return packages.Where(package => package.Summary == null || package.Summary.Length == 0);
            case "title": return packages.Where(package => package.Title.ToUpper().Trim().IndexOf("GIT") == 0);
            case "substring": return packages.Where(package => package.Id.Substring(0, 3).Replace("i", "o") == "got");
            default: throw new ArgumentException("there is no condition '" + name + "'");
        }
    }

    private static string Shown(IEnumerable<IPackage> packages)
    {
        return string.Join("; ", packages.Select(package => package.Id + " " + package.Version));
    }
}
