// Asks a feed through NuGet.Core of nuget 2.8.7 what its commands never ask: questions too long for a URL.
//
//   LongQuestions.exe SOURCE find LENGTH    finds `small.tool` and nine ids of LENGTH letters that are nowhere
//   LongQuestions.exe SOURCE updates COUNT  asks for updates of `small.tool` 1.0 and of COUNT packages that are nowhere
//
// Prints a package on each line; what goes wrong is printed as an error's messages, outermost first, and ends it with 1.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.Versioning;
using NuGet;

static class LongQuestions
{
    static int Main(string[] arguments)
    {
        try
        {
            var repository = PackageRepositoryFactory.Default.CreateRepository(arguments[0]);
            var number = int.Parse(arguments[2]);
            var found = arguments[1] == "find" ? Find(repository, number) : Updates(repository, number);
            foreach (var package in found)
            {
                Console.WriteLine(package.Id + " " + package.Version);
            }
            return 0;
        }
        catch (Exception error)
        {
            for (; error != null; error = error.InnerException)
            {
                Console.WriteLine(error.Message);
            }
            return 1;
        }
    }

    static IEnumerable<IPackage> Find(IPackageRepository repository, int length)
    {
        var absent = Enumerable.Range(0, 9).Select(number => new string('x', length) + number);
        return repository.FindPackages(absent.Concat(new[] { "Small.Tool" }));
    }

    static IEnumerable<IPackage> Updates(IPackageRepository repository, int count)
    {
        var absent = Enumerable.Range(0, count).Select(number => "nowhere.to.be.found." + number);
        var installed = absent.Concat(new[] { "Small.Tool" }).Select(id => new PackageName(id, new SemanticVersion("1.0")));
        return ((IServiceBasedRepository)repository).GetUpdates(
            installed, false, false, Enumerable.Empty<FrameworkName>(), Enumerable.Empty<IVersionSpec>());
    }
}
